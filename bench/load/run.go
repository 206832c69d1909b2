// Package load watches streams with thousands of viewers and sums up what they got and what it cost.
package load

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"time"

	"pumpd/bench/latency"
	"pumpd/bench/sock"
	"pumpd/bench/viewers"
)

// A run is one measurement. Its methods run on one goroutine; workers run on theirs.
type run struct {
	opt      Options
	sites    []*viewers.Site
	clock    latency.Stopwatch
	workers  []*viewers.Worker // the crowd's
	watcher  *viewers.Worker   // of samples, slow and stalled viewers: never pauses
	samples  int
	progress io.Writer
	started  time.Time
	crowd    int     // of these, how many have been started
	owed     float64 // churn due
	replaced int     // and done
}

// Measure lets viewers join as opt says, measures for opt.Duration or until ctx is done, and ends them. progress gets a
// line a second. The error is about the measurement; what viewers found is in the summary.
func Measure(ctx context.Context, opt Options, progress io.Writer) (*Summary, error) {
	r, err := newRun(opt, progress)
	if err != nil {
		return nil, err
	}
	before, err := r.snapshot()
	if err != nil {
		return nil, err
	}
	if err := r.startWorkers(); err != nil {
		return nil, err
	}
	r.rampUp(ctx)
	r.sleep(ctx, r.opt.Settle)
	s, err := r.window(ctx, before)
	r.halt()
	if err != nil {
		return nil, err
	}
	r.finish(s)
	return s, nil
}

// newRun checks options and prepares requests.
func newRun(opt Options, progress io.Writer) (*run, error) {
	r := &run{opt: opt, progress: progress, started: time.Now()}
	if opt.Viewers < 0 || opt.Herd < 0 || opt.Stalled < 0 || opt.Slow < 0 || opt.most() == 0 {
		return nil, errors.New("no viewers, or a negative number of them")
	}
	if err := sock.RaiseFileLimit(opt.most()); err != nil {
		return nil, err
	}
	for _, raw := range opt.URLs {
		s, err := viewers.NewSite(raw, &r.opt.Options)
		if err != nil {
			return nil, err
		}
		r.sites = append(r.sites, s)
	}
	if len(r.sites) == 0 {
		return nil, errors.New("no URL")
	}
	var err error
	if r.samples, err = sampleCount(opt.Sample, opt.Viewers); err != nil {
		return nil, err
	}
	if r.opt.HerdAt == 0 {
		r.opt.HerdAt = opt.Duration / 3
	}
	return r, nil
}

// most is how many viewers there are at the most.
func (o *Options) most() int { return o.Viewers + o.Herd + o.Stalled + o.Slow }

// startWorkers starts one for each CPU and the watcher, or none.
func (r *run) startWorkers() (err error) {
	defer func() {
		if err != nil {
			r.halt()
		}
	}()
	if r.watcher, err = viewers.NewWorker(&r.opt.Options, r.sites, &r.clock, 0, 0); err != nil {
		return err
	}
	for i := range runtime.NumCPU() {
		w, err := viewers.NewWorker(&r.opt.Options, r.sites, &r.clock, i, r.opt.Drain)
		if err != nil {
			return err
		}
		r.workers = append(r.workers, w)
	}
	return nil
}

// halt ends all viewers.
func (r *run) halt() {
	for _, w := range r.all() {
		w.Halt()
	}
}

// all is every worker.
func (r *run) all() []*viewers.Worker {
	if r.watcher == nil {
		return nil
	}
	return append(slices.Clone(r.workers), r.watcher)
}

// sum is what all workers have counted so far.
func (r *run) sum() viewers.Totals {
	var t viewers.Totals
	for _, w := range r.all() {
		t.Add(w.Totals())
	}
	return t
}

// finish adds what only halted workers can tell.
func (r *run) finish(s *Summary) {
	var all viewers.Results
	for _, w := range r.all() {
		of := w.Results()
		all.Merge(&of)
	}
	t := r.sum()
	s.Watching -= t.Cut - s.Cut // stalled viewers learn only at the end that they were cut
	s.Failed, s.Silent, s.Cut, s.Returned = t.Failed, t.Silent, t.Cut, t.Returned
	s.Refused, s.Refusals, s.Away, s.Returns = t.Refused, all.Refusals, all.Away, all.Returns
	s.Admitted, s.Redirected, s.Redirects = t.Admitted, t.Redirected, all.Redirects
	s.Failures, s.Faults, s.FirstFault = all.Failures, all.Faults.ByName(), all.Faults.First
	s.Sampled, s.Packets, s.Skips, s.Stamped = all.Sampled, all.Packets, all.Skips, all.Stamped
	s.SlowestPart = slowestShare(all.Window)
	d := r.clock.Times()
	s.Latency, s.During, s.Joins, s.HerdJoin = d.Latency, d.During, d.Joins, d.HerdJoins
	s.Pictures, s.HerdPictures, s.RefusalTimes = d.Pictures, d.HerdPictures, d.Refusals
}
