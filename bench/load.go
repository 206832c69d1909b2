package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
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
	opt.url = rest[0]
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
	opt         loadOptions
	site        target
	play        []byte
	description []byte
	clock       stopwatch
	workers     []*worker // the crowd's
	watcher     *worker   // of samples, slow and stalled viewers: never pauses
	samples     int
	progress    io.Writer
	started     time.Time
	owed        float64 // churn due
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
	u, err := url.Parse(opt.url)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("URL %q: want mmsh://host:port/path or http://host:port/path", opt.url)
	}
	switch u.Scheme {
	case "mmsh", "mms":
		l.opt.mmsh = true
	case "http":
	default:
		return nil, fmt.Errorf("URL scheme %q: mmsh or http", u.Scheme)
	}
	if opt.viewers < 0 || opt.herd < 0 || opt.stalled < 0 || opt.slow < 0 || l.all() == 0 {
		return nil, errors.New("no viewers, or a negative number of them")
	}
	if err := raiseFiles(l.all()); err != nil {
		return nil, err
	}
	if l.site, err = newTarget(hostPort(u), opt.sources); err != nil {
		return nil, err
	}
	if l.samples, err = sampleCount(opt.sample, opt.viewers); err != nil {
		return nil, err
	}
	if l.opt.herdAt == 0 {
		l.opt.herdAt = opt.duration / 3
	}
	l.play, l.description = l.requests(u)
	return l, nil
}

// all is how many viewers there are at the most.
func (l *load) all() int { return l.opt.viewers + l.opt.herd + l.opt.stalled + l.opt.slow }

// requests are what viewers send: Play or a plain GET, and Describe. clients.md §5.
func (l *load) requests(u *url.URL) (play, description []byte) {
	agent := l.opt.agent
	if !l.opt.mmsh {
		l.opt.describe = false
		if agent == "" {
			agent = "bench"
		}
		return fmt.Appendf(nil, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
			u.RequestURI(), u.Host, agent), nil
	}
	if agent == "" {
		agent = "NSPlayer/4.1.0.3856"
	}
	head := fmt.Sprintf("GET %s HTTP/1.0\r\nAccept: */*\r\nUser-Agent: %s\r\nHost: %s\r\n"+
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\nPragma: no-cache,rate=1.000000,", u.RequestURI(), agent, u.Host)
	const end = "Connection: Close\r\n\r\n"
	description = []byte(head + "stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n" + end)
	play = []byte(head + "request-context=2\r\nPragma: xPlayStrm=1\r\nPragma: stream-switch-count=1\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 \r\n" + end)
	return play, description
}

func (l *load) startWorkers() error {
	var err error
	if l.watcher, err = newWorker(l, 0); err != nil {
		return err
	}
	for range runtime.NumCPU() {
		w, err := newWorker(l, l.opt.drain)
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
type totals struct{ up, bytes, failed, cut, silent, returned int64 }

func (l *load) sum() totals {
	var t totals
	for _, w := range append(l.workers[:len(l.workers):len(l.workers)], l.watcher) {
		t.up += w.tally.up.Load()
		t.bytes += w.tally.bytes.Load()
		t.failed += w.tally.failed.Load()
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
