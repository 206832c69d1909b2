package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// A snapshot is every counter at one moment.
type snapshot struct {
	at          time.Time
	totals      totals
	server      used
	tcp         int64
	own         time.Duration
	busy, total int64
}

// snapshot reads all counters. A server that is gone is an error; the machine's own counters always exist.
func (l *load) snapshot() (snapshot, error) {
	s := snapshot{at: time.Now(), own: ownCPU()}
	var err error
	if l.watcher != nil {
		s.totals = l.sum()
	}
	if l.opt.pid != 0 {
		if s.server, err = processUsage(l.opt.pid); err != nil {
			return s, fmt.Errorf("server: %w", err)
		}
	}
	if s.tcp, err = kernelTCP(); err != nil {
		return s, err
	}
	s.busy, s.total, err = machineTicks()
	return s, err
}

// window measures for -duration. base is from before the first viewer.
func (l *load) window(ctx context.Context, base snapshot) (*summary, error) {
	for _, w := range l.all() {
		w.mark()
	}
	l.clock.record(true)
	start, err := l.snapshot()
	if err != nil {
		return nil, err
	}
	l.watch(ctx)
	l.clock.record(false)
	end, err := l.snapshot()
	if err != nil {
		return nil, err
	}
	s := l.summarise(base, start, end)
	s.Interrupt = ctx.Err() != nil
	return s, nil
}

// watch runs the churn, the herd and the progress line until the window is over.
func (l *load) watch(ctx context.Context) {
	const step = 50 * time.Millisecond
	start, line, herd := time.Now(), time.Now(), l.opt.herd
	last := l.sum().bytes
	for ctx.Err() == nil && time.Since(start) < l.opt.duration {
		l.sleep(ctx, min(step, max(l.opt.duration-time.Since(start), 0)))
		l.churn(step)
		if herd > 0 && time.Since(start) >= l.opt.herdAt {
			l.startHerd(herd)
			herd = 0
		}
		if d := time.Since(line); d >= time.Second {
			bytes := l.sum().bytes
			l.printProgress(time.Since(start), float64(bytes-last)*8/d.Seconds())
			line, last = time.Now(), bytes
		}
	}
}

// churn replaces viewers at the wanted rate; every fourth is one that checks.
func (l *load) churn(d time.Duration) {
	l.owed += l.opt.churn * d.Seconds()
	for ; l.owed >= 1; l.owed-- {
		w := l.watcher
		if k := int(math.Mod(l.owed, 4)); k != 0 {
			w = l.workers[int(l.owed)%len(l.workers)]
		}
		w.replace()
	}
}

// startHerd lets n viewers join at once; some of them check.
func (l *load) startHerd(n int) {
	l.clock.startHerd()
	const samples = 8
	for i := range n {
		r := crowd
		if i < min(samples, n) {
			r = sample
		}
		l.start(i, r, true)
	}
}

// summarise turns three snapshots into what is known before the viewers are asked.
func (l *load) summarise(base, start, end snapshot) *summary {
	s := &summary{
		URL: l.name(), Protocol: l.protocol(), Reconnect: l.opt.reconnect, Viewers: l.opt.viewers, Stalled: l.opt.stalled, Slow: l.opt.slow, Herd: l.opt.herd,
		Watching:  end.totals.up,
		Cut:       end.totals.cut,
		Seconds:   end.at.Sub(start.at).Seconds(),
		Bytes:     end.totals.bytes - start.totals.bytes,
		TCPMemory: end.tcp - base.tcp,
		OwnCPU:    (end.own - start.own).Seconds(),
	}
	s.BitsPerSec = float64(s.Bytes) * 8 / s.Seconds
	if ticks := end.total - start.total; ticks > 0 {
		s.Busy = float64(end.busy-start.busy) / float64(ticks)
	}
	if l.opt.pid != 0 {
		s.Server = useOf(base.server, start.server, end.server, s.Bytes, end.totals.up)
		s.Others = othersShare(end.busy-start.busy, end.total-start.total, end.server.cpu-start.server.cpu+end.own-start.own)
	}
	return s
}

// name is what was watched.
func (l *load) name() string {
	if n := len(l.opt.urls); n > 1 {
		return fmt.Sprintf("%s and %d more", l.opt.urls[0], n-1)
	}
	return l.opt.urls[0]
}

// protocol is what all sites speak.
func (l *load) protocol() string {
	first := l.sites[0].protocol()
	for _, s := range l.sites {
		if s.protocol() != first {
			return "mixed"
		}
	}
	return first
}
