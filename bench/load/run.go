package load

import (
	"pumpd/bench/latency"
	"pumpd/bench/sock"
	"pumpd/bench/viewers"
)

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"
)

// A run is one run. Its methods run on one goroutine; workers run on theirs.
type run struct {
	opt      Options
	sites    []*viewers.Site
	clock    latency.Stopwatch
	workers  []*viewers.Worker // the crowd's
	watcher  *viewers.Worker   // of samples, slow and stalled viewers: never pauses
	samples  int
	progress io.Writer
	started  time.Time
	owed     float64 // churn due
}

// Measure does one run. The error is about the run; what viewers found is in the summary.
func Measure(ctx context.Context, opt Options, progress io.Writer) (*Summary, error) {
	l, err := newRun(opt, progress)
	if err != nil {
		return nil, err
	}
	before, err := l.snapshot()
	if err != nil {
		return nil, err
	}
	if err := l.startWorkers(); err != nil {
		return nil, err
	}
	l.rampUp(ctx)
	l.sleep(ctx, l.opt.Settle)
	s, err := l.window(ctx, before)
	l.halt()
	if err != nil {
		return nil, err
	}
	l.finish(s)
	return s, nil
}

// newRun checks options and prepares requests.
func newRun(opt Options, progress io.Writer) (*run, error) {
	l := &run{opt: opt, progress: progress, started: time.Now()}
	if opt.Viewers < 0 || opt.Herd < 0 || opt.Stalled < 0 || opt.Slow < 0 || opt.most() == 0 {
		return nil, errors.New("no viewers, or a negative number of them")
	}
	if err := sock.RaiseFileLimit(opt.most()); err != nil {
		return nil, err
	}
	for _, raw := range opt.URLs {
		s, err := viewers.NewSite(raw, &l.opt.Options)
		if err != nil {
			return nil, err
		}
		l.sites = append(l.sites, s)
	}
	if len(l.sites) == 0 {
		return nil, errors.New("no URL")
	}
	var err error
	if l.samples, err = sampleCount(opt.Sample, opt.Viewers); err != nil {
		return nil, err
	}
	if l.opt.HerdAt == 0 {
		l.opt.HerdAt = opt.Duration / 3
	}
	return l, nil
}

// most is how many viewers there are at the most.
func (o *Options) most() int { return o.Viewers + o.Herd + o.Stalled + o.Slow }

func (l *run) startWorkers() error {
	var err error
	if l.watcher, err = viewers.NewWorker(&l.opt.Options, l.sites, &l.clock, 0, 0); err != nil {
		return err
	}
	for i := range runtime.NumCPU() {
		w, err := viewers.NewWorker(&l.opt.Options, l.sites, &l.clock, i, l.opt.Drain)
		if err != nil {
			return err
		}
		l.workers = append(l.workers, w)
	}
	return nil
}

// halt ends all viewers.
func (l *run) halt() {
	for _, w := range l.all() {
		w.Halt()
	}
}

// all is every worker.
func (l *run) all() []*viewers.Worker {
	return append(l.workers[:len(l.workers):len(l.workers)], l.watcher)
}

// sum is what all workers have counted so far.
func (l *run) sum() viewers.Totals {
	var t viewers.Totals
	for _, w := range l.all() {
		t.Add(w.Totals())
	}
	return t
}

// finish adds what only halted workers can tell.
func (l *run) finish(s *Summary) {
	var all viewers.Results
	for _, w := range l.all() {
		r := w.Results()
		all.Merge(&r)
	}
	t := l.sum()
	s.Watching -= t.Cut - s.Cut // stalled viewers learn only at the end that they were cut
	s.Failed, s.Silent, s.Cut, s.Returned = t.Failed, t.Silent, t.Cut, t.Returned
	s.Refused, s.Refusals, s.Away, s.Returns = t.Refused, all.Refusals, all.Away, all.Returns
	s.Failures, s.Faults, s.FirstFault = all.Failures, all.Faults.ByName(), all.Faults.First
	s.Sampled, s.Packets, s.Skips, s.Stamped = all.Sampled, all.Packets, all.Skips, all.Stamped
	s.SlowestPart = slowestShare(all.Window)
	d := l.clock.Times()
	s.Latency, s.During, s.Joins, s.HerdJoin = d.Latency, d.During, d.Joins, d.HerdJoins
}
