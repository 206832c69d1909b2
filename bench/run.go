package main

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"
)

// A load is one run. Its methods run on one goroutine; workers run on theirs.
type load struct {
	opt      loadOptions
	sites    []*site
	clock    stopwatch
	workers  []*worker // the crowd's
	watcher  *worker   // of samples, slow and stalled viewers: never pauses
	samples  int
	progress io.Writer
	started  time.Time
	owed     float64 // churn due
}

// measureLoad does one run. The error is about the run; what viewers found is in the summary.
func measureLoad(ctx context.Context, opt loadOptions, progress io.Writer) (*summary, error) {
	l, err := newLoad(opt, progress)
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
	l.sleep(ctx, l.opt.settle)
	s, err := l.window(ctx, before)
	l.halt()
	if err != nil {
		return nil, err
	}
	l.finish(s)
	return s, nil
}

// newLoad checks options and prepares requests.
func newLoad(opt loadOptions, progress io.Writer) (*load, error) {
	l := &load{opt: opt, progress: progress, started: time.Now()}
	if opt.viewers < 0 || opt.herd < 0 || opt.stalled < 0 || opt.slow < 0 || opt.most() == 0 {
		return nil, errors.New("no viewers, or a negative number of them")
	}
	if err := raiseFiles(opt.most()); err != nil {
		return nil, err
	}
	for _, raw := range opt.urls {
		s, err := newSite(raw, &l.opt.viewerOptions)
		if err != nil {
			return nil, err
		}
		l.sites = append(l.sites, s)
	}
	if len(l.sites) == 0 {
		return nil, errors.New("no URL")
	}
	var err error
	if l.samples, err = sampleCount(opt.sample, opt.viewers); err != nil {
		return nil, err
	}
	if l.opt.herdAt == 0 {
		l.opt.herdAt = opt.duration / 3
	}
	return l, nil
}

// most is how many viewers there are at the most.
func (o *loadOptions) most() int { return o.viewers + o.herd + o.stalled + o.slow }

func (l *load) startWorkers() error {
	var err error
	if l.watcher, err = newWorker(&l.opt.viewerOptions, l.sites, &l.clock, 0, 0); err != nil {
		return err
	}
	for i := range runtime.NumCPU() {
		w, err := newWorker(&l.opt.viewerOptions, l.sites, &l.clock, i, l.opt.drain)
		if err != nil {
			return err
		}
		l.workers = append(l.workers, w)
	}
	return nil
}

// halt ends all viewers.
func (l *load) halt() {
	for _, w := range l.all() {
		w.halt()
	}
}

// all is every worker.
func (l *load) all() []*worker { return append(l.workers[:len(l.workers):len(l.workers)], l.watcher) }

// sum is what all workers have counted so far.
func (l *load) sum() totals {
	var t totals
	for _, w := range l.all() {
		t.add(w.totals())
	}
	return t
}

// finish adds what only halted workers can tell.
func (l *load) finish(s *summary) {
	var all results
	for _, w := range l.all() {
		r := w.results()
		all.merge(&r)
	}
	t := l.sum()
	s.Watching -= t.cut - s.Cut // stalled viewers learn only at the end that they were cut
	s.Failed, s.Silent, s.Cut, s.Returned = t.failed, t.silent, t.cut, t.returned
	s.Refused, s.Refusals, s.Away, s.Returns = t.refused, all.refusals, all.away, all.returns
	s.Failures, s.Faults, s.FirstFault = all.failures, all.faults.byName(), all.faults.first
	s.Sampled, s.Packets, s.Skips, s.Stamped = all.sampled, all.packets, all.skips, all.stamped
	s.SlowestPart = slowestShare(all.window)
	d := l.clock.times()
	s.Latency, s.During, s.Joins, s.HerdJoin = d.latency, d.during, d.joins, d.herdJoin
}
