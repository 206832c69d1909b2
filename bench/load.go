package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"time"
)

// runLoad is bench load.
func runLoad(ctx context.Context, args []string, out io.Writer) error {
	opt, rest, err := parseLoad(args)
	if err != nil {
		return err
	}
	opt.urls = rest
	s, err := measureLoad(ctx, opt, os.Stderr)
	if err != nil {
		return err
	}
	s.print(out)
	s.printBenchmark(out)
	if opt.json != "" {
		b, _ := json.MarshalIndent(s, "", "  ") // of numbers and strings: cannot fail
		if err := os.WriteFile(opt.json, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	return s.verdict()
}

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
	if opt.viewers < 0 || opt.herd < 0 || opt.stalled < 0 || opt.slow < 0 || l.all() == 0 {
		return nil, errors.New("no viewers, or a negative number of them")
	}
	if err := raiseFiles(l.all()); err != nil {
		return nil, err
	}
	for _, raw := range opt.urls {
		s, err := newSite(raw, &l.opt)
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

// all is how many viewers there are at the most.
func (l *load) all() int { return l.opt.viewers + l.opt.herd + l.opt.stalled + l.opt.slow }

func (l *load) startWorkers() error {
	var err error
	if l.watcher, err = newWorker(l, 0, 0); err != nil {
		return err
	}
	for i := range runtime.NumCPU() {
		w, err := newWorker(l, i, l.opt.drain)
		if err != nil {
			return err
		}
		l.workers = append(l.workers, w)
	}
	return nil
}

// halt ends all viewers.
func (l *load) halt() {
	for _, w := range append(l.workers, l.watcher) {
		w.halt()
	}
}

// totals is the sum of all workers' tallies.
type totals struct{ up, bytes, failed, refused, cut, silent, returned int64 }

func (l *load) sum() totals {
	var t totals
	for _, w := range append(l.workers[:len(l.workers):len(l.workers)], l.watcher) {
		t.up += w.tally.up.Load()
		t.bytes += w.tally.bytes.Load()
		t.failed += w.tally.failed.Load()
		t.refused += w.tally.refused.Load()
		t.cut += w.tally.cut.Load()
		t.silent += w.tally.silent.Load()
		t.returned += w.tally.returned.Load()
	}
	return t
}

// finish adds what only halted workers can tell.
func (l *load) finish(s *summary) {
	var all results
	for _, w := range append(l.workers, l.watcher) {
		r := w.collect()
		all.merge(&r)
	}
	t := l.sum()
	s.Watching -= t.cut - s.Cut // stalled viewers learn only at the end that they were cut
	s.Failed, s.Silent, s.Cut, s.Returned = t.failed, t.silent, t.cut, t.returned
	s.Refused, s.Refusals, s.Away, s.Returns = t.refused, all.refusals, all.away, all.returns
	s.Failures, s.Faults, s.FirstFault = all.failures, all.faults.byName(), all.faults.first
	s.Sampled, s.Packets, s.Skips, s.Stamped = all.sampled, all.packets, all.skips, all.stamped
	s.SlowestPart = slowestShare(all.window)
	s.Latency, s.Joins = spreadOf(&l.clock.latency), spreadOf(&l.clock.joins)
	s.During, s.HerdJoin = spreadOf(&l.clock.during), spreadOf(&l.clock.herdJoins)
}

// localPort is a free port on loopback, for servers that are to be started.
func localPort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
