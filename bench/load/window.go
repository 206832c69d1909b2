package load

import (
	"pumpd/bench/machine"
	"pumpd/bench/viewers"
)

import (
	"context"
	"fmt"
	"math"
	"time"
)

// A snapshot is every counter at one moment.
type snapshot struct {
	at          time.Time
	totals      viewers.Totals
	server      machine.Usage
	tcp         int64
	own         time.Duration
	busy, total int64
}

// snapshot reads all counters. A server that is gone is an error; the machine's own counters always exist.
func (l *run) snapshot() (snapshot, error) {
	s := snapshot{at: time.Now(), own: machine.OwnCPU()}
	var err error
	if l.watcher != nil {
		s.totals = l.sum()
	}
	if l.opt.PID != 0 {
		if s.server, err = machine.ProcessUsage(l.opt.PID); err != nil {
			return s, fmt.Errorf("server: %w", err)
		}
	}
	if s.tcp, err = machine.TCPMemory(); err != nil {
		return s, err
	}
	s.busy, s.total, err = machine.Ticks()
	return s, err
}

// window measures for -duration. base is from before the first viewer.
func (l *run) window(ctx context.Context, base snapshot) (*Summary, error) {
	for _, w := range l.all() {
		w.Mark()
	}
	l.clock.Record(true)
	start, err := l.snapshot()
	if err != nil {
		return nil, err
	}
	l.watch(ctx)
	l.clock.Record(false)
	end, err := l.snapshot()
	if err != nil {
		return nil, err
	}
	s := l.summarise(base, start, end)
	s.Interrupt = ctx.Err() != nil
	return s, nil
}

// watch runs the churn, the herd and the progress line until the window is over.
func (l *run) watch(ctx context.Context) {
	const step = 50 * time.Millisecond
	start, line, herd := time.Now(), time.Now(), l.opt.Herd
	last := l.sum().Bytes
	for ctx.Err() == nil && time.Since(start) < l.opt.Duration {
		l.sleep(ctx, min(step, max(l.opt.Duration-time.Since(start), 0)))
		l.churn(step)
		if herd > 0 && time.Since(start) >= l.opt.HerdAt {
			l.startHerd(herd)
			herd = 0
		}
		if d := time.Since(line); d >= time.Second {
			bytes := l.sum().Bytes
			l.printProgress(time.Since(start), float64(bytes-last)*8/d.Seconds())
			line, last = time.Now(), bytes
		}
	}
}

// churn replaces viewers at the wanted rate; every fourth is one that checks.
func (l *run) churn(d time.Duration) {
	l.owed += l.opt.Churn * d.Seconds()
	for ; l.owed >= 1; l.owed-- {
		w := l.watcher
		if k := int(math.Mod(l.owed, 4)); k != 0 {
			w = l.workers[int(l.owed)%len(l.workers)]
		}
		w.Replace()
	}
}

// startHerd lets n viewers join at once; some of them check.
func (l *run) startHerd(n int) {
	l.clock.StartHerd()
	const samples = 8
	for i := range n {
		r := viewers.Crowd
		if i < min(samples, n) {
			r = viewers.Sample
		}
		l.start(i, r, true)
	}
}

// summarise turns three snapshots into what is known before the viewers are asked.
func (l *run) summarise(base, start, end snapshot) *Summary {
	s := &Summary{
		URL: l.name(), Protocol: l.protocol(), Reconnect: l.opt.Reconnect, Viewers: l.opt.Viewers, Stalled: l.opt.Stalled,
		Slow: l.opt.Slow, Herd: l.opt.Herd,
		Watching:  end.totals.Up,
		Cut:       end.totals.Cut,
		Seconds:   end.at.Sub(start.at).Seconds(),
		Bytes:     end.totals.Bytes - start.totals.Bytes,
		TCPMemory: end.tcp - base.tcp,
		OwnCPU:    (end.own - start.own).Seconds(),
	}
	s.BitsPerSec = float64(s.Bytes) * 8 / s.Seconds
	if ticks := end.total - start.total; ticks > 0 {
		s.Busy = float64(end.busy-start.busy) / float64(ticks)
	}
	if l.opt.PID != 0 {
		s.Server = useOf(base.server, start.server, end.server, s.Bytes, end.totals.Up)
		s.Others = machine.Others(end.busy-start.busy, end.total-start.total, end.server.CPU-start.server.CPU+
			end.own-start.own)
	}
	return s
}

// name is what was watched.
func (l *run) name() string {
	if n := len(l.opt.URLs); n > 1 {
		return fmt.Sprintf("%s and %d more", l.opt.URLs[0], n-1)
	}
	return l.opt.URLs[0]
}

// protocol is what all sites speak.
func (l *run) protocol() string {
	first := l.sites[0].Protocol()
	for _, s := range l.sites {
		if s.Protocol() != first {
			return "mixed"
		}
	}
	return first
}
