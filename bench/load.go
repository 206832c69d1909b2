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
	"strconv"
	"strings"
	"time"
)

const loadAbout = `Watches URL with -n simulated viewers and measures for -duration once all of them are there.
mmsh://host:port/path asks as a player does (NSPlayer, Play); http://host:port/path is a plain GET and measures any server.
Most viewers drop what they get inside the kernel; a sample checks framing, LocationId, AFFlags, the key frame at the
start, and, when the source is "bench push -synthetic", every payload, its order and its age.
Exit code 1 when a viewer failed or a fault was found. Stalled and slow viewers may be cut, that is no failure.`

// loadOptions is the command line of bench load.
type loadOptions struct {
	url       string
	mmsh      bool
	bare      bool // no protocol: the other end is bench floor
	viewers   int
	sample    string // a number or a percentage
	stalled   int
	slow      int
	slowRate  float64 // bit/s
	churn     float64 // viewers a second
	herd      int
	herdAt    time.Duration
	ramp      float64 // viewers a second; 0: all at once
	duration  time.Duration
	settle    time.Duration
	silence   time.Duration
	patience  time.Duration // from connect to the first byte of stream
	drain     time.Duration
	sources   int
	rcvbuf    int
	agent     string
	describe  bool
	reconnect bool
	pid       int
	json      string
	quiet     bool
}

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

func parseLoad(args []string) (loadOptions, []string, error) {
	var opt loadOptions
	fs := newFlags("load", "URL", loadAbout)
	fs.IntVar(&opt.viewers, "n", 100, "viewers")
	fs.StringVar(&opt.sample, "sample", "1%", "of these, how many check everything: a `number` or a percentage; at least 8 with a percentage")
	fs.IntVar(&opt.stalled, "stalled", 0, "viewers besides -n that ask and never read")
	fs.IntVar(&opt.slow, "slow", 0, "viewers besides -n that read at -slow-rate and check what they get")
	rate := quantityVar(fs, "slow-rate", 100e3, "`bit/s` of a slow viewer")
	fs.Float64Var(&opt.churn, "churn", 0, "viewers replaced a `second`")
	fs.IntVar(&opt.herd, "herd", 0, "viewers besides -n that join in one instant")
	fs.DurationVar(&opt.herdAt, "herd-at", 0, "when the herd joins, from the start of the measurement (default a third of -duration)")
	fs.Float64Var(&opt.ramp, "ramp", 1000, "viewers that join a `second`; 0: all at once")
	fs.DurationVar(&opt.duration, "duration", 30*time.Second, "length of the measurement")
	fs.DurationVar(&opt.settle, "settle", 2*time.Second, "wait between the last join and the measurement")
	fs.DurationVar(&opt.silence, "silence", 5*time.Second, "a viewer that hears nothing for so long has failed")
	fs.DurationVar(&opt.patience, "patience", 15*time.Second, "a viewer that waits so long for the first byte has failed")
	fs.DurationVar(&opt.drain, "drain", 2*time.Millisecond, "pause of the crowd between two looks at its sockets; the sample never pauses")
	fs.IntVar(&opt.sources, "sources", 8, "loopback source addresses (127.0.0.2 and up), when URL is one")
	fs.IntVar(&opt.rcvbuf, "rcvbuf", 0, "SO_RCVBUF of viewers in `bytes`; 0: the kernel's")
	fs.StringVar(&opt.agent, "agent", "", "User-Agent (default NSPlayer/4.1.0.3856 for mmsh, bench for http)")
	fs.BoolVar(&opt.describe, "describe", false, "mmsh: a Describe on a connection of its own before each Play, as players do")
	fs.BoolVar(&opt.reconnect, "reconnect", false, "viewers that are closed come back and have not failed")
	fs.IntVar(&opt.pid, "pid", 0, "the server's process: measure its CPU and memory")
	fs.StringVar(&opt.json, "json", "", "write the result to this `file`")
	fs.BoolVar(&opt.quiet, "quiet", false, "no progress line")
	rest, err := parseFlags(fs, args, 1, 1)
	opt.slowRate = float64(*rate)
	return opt, rest, err
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

// sampleCount reads "1%" or "20".
func sampleCount(s string, viewers int) (int, error) {
	if part, ok := strings.CutSuffix(s, "%"); ok {
		if percent, err := strconv.ParseFloat(part, 64); err == nil && percent >= 0 && percent <= 100 {
			return min(max(8, int(float64(viewers)*percent/100+0.5)), viewers), nil
		}
	} else if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return min(n, viewers), nil
	}
	return 0, fmt.Errorf("sample %q: want a number or a percentage", s)
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

// start adds the i-th viewer of a group.
func (l *load) start(i int, r role, herd bool) {
	w := l.watcher
	if r == crowd {
		w = l.workers[i%len(l.workers)]
	}
	w.post(func() { w.start(r, herd) })
}

// rampUp starts viewers at the wanted rate and waits until each of them watches or has failed.
func (l *load) rampUp(ctx context.Context) {
	for i := range l.opt.stalled {
		l.start(i, stalled, false)
	}
	for i := range l.opt.slow {
		l.start(i, slow, false)
	}
	began := time.Now()
	for started := 0; started < l.opt.viewers && ctx.Err() == nil; l.sleep(ctx, 10*time.Millisecond) {
		due := l.opt.viewers
		if l.opt.ramp > 0 {
			due = min(due, int(time.Since(began).Seconds()*l.opt.ramp)+1)
		}
		for ; started < due; started++ {
			l.start(started, l.roleOf(started), false)
		}
	}
	for limit := time.Now().Add(l.opt.patience); time.Now().Before(limit) && ctx.Err() == nil; l.sleep(ctx, 20*time.Millisecond) {
		if t := l.sum(); t.up+t.failed+t.cut >= int64(l.opt.viewers+l.opt.stalled+l.opt.slow) {
			return
		}
	}
}

// roleOf spreads the samples evenly over the ramp.
func (l *load) roleOf(i int) role {
	if l.samples > 0 && (i+1)*l.samples/l.opt.viewers > i*l.samples/l.opt.viewers {
		return sample
	}
	return crowd
}

// sleep waits and keeps the progress line alive.
func (l *load) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
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
