package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"pumpd/bench/machine"
	"pumpd/bench/viewers"
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
func (r *run) snapshot() (snapshot, error) {
	s := snapshot{at: time.Now(), own: machine.OwnCPU()}
	var err error
	if r.watcher != nil {
		s.totals = r.sum()
	}
	if r.opt.PID != 0 {
		if s.server, err = machine.ProcessUsage(r.opt.PID); err != nil {
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
func (r *run) window(ctx context.Context, base snapshot) (*Summary, error) {
	for _, w := range r.all() {
		w.Mark()
	}
	r.clock.Record(true)
	start, err := r.snapshot()
	if err != nil {
		return nil, err
	}
	r.watch(ctx)
	r.clock.Record(false)
	end, err := r.snapshot()
	if err != nil {
		return nil, err
	}
	s := r.summarise(base, start, end)
	s.Interrupt = ctx.Err() != nil
	return s, nil
}

// watch runs the churn, the herd and the progress line until the window is over.
func (r *run) watch(ctx context.Context) {
	const step = 50 * time.Millisecond
	start, line, herd := time.Now(), time.Now(), r.opt.Herd
	churned := start
	last := r.sum().Bytes
	for ctx.Err() == nil && time.Since(start) < r.opt.Duration {
		r.sleep(ctx, min(step, max(r.opt.Duration-time.Since(start), 0)))
		now := time.Now()
		r.churn(now.Sub(churned))
		churned = now
		if herd > 0 && time.Since(start) >= r.opt.HerdAt {
			r.startHerd(herd)
			herd = 0
		}
		if d := time.Since(line); d >= time.Second {
			bytes := r.sum().Bytes
			r.printProgress(time.Since(start), float64(bytes-last)*8/d.Seconds())
			line, last = time.Now(), bytes
		}
	}
}

// churn replaces viewers at the wanted rate; every fourth is one that checks, where there are both.
func (r *run) churn(d time.Duration) {
	for r.owed += r.opt.Churn * d.Seconds(); r.owed >= 1; r.owed-- {
		r.replaced++
		w := r.workers[rand.IntN(len(r.workers))]
		if r.samples == r.opt.Viewers || r.samples > 0 && r.replaced%4 == 0 {
			w = r.watcher
		}
		w.Replace()
	}
}

// startHerd lets n viewers join at once; as many of them check as -sample says, and at least some.
func (r *run) startHerd(n int) {
	r.clock.StartHerd()
	const least = 8
	samples, _ := sampleCount(r.opt.Sample, n) // read before
	for i := range n {
		role := viewers.Crowd
		if i < max(samples, least) {
			role = viewers.Sample
		}
		r.start(role, true)
	}
}

// summarise turns three snapshots into what is known before the viewers are asked.
func (r *run) summarise(base, start, end snapshot) *Summary {
	s := &Summary{
		URL: r.name(), Protocol: r.protocol(), Reconnect: r.opt.Reconnect,
		Viewers: r.opt.Viewers, Stalled: r.opt.Stalled, Slow: r.opt.Slow, Herd: r.opt.Herd,
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
	if r.opt.PID != 0 {
		s.Server = useOf(base.server, start.server, end.server, s.Bytes, end.totals.Up)
		known := end.server.CPU - start.server.CPU + end.own - start.own
		s.Others = machine.OthersShare(end.busy-start.busy, end.total-start.total, known)
	}
	return s
}

// name is what was watched.
func (r *run) name() string {
	if n := len(r.opt.URLs); n > 1 {
		return fmt.Sprintf("%s and %d more", r.opt.URLs[0], n-1)
	}
	return r.opt.URLs[0]
}

// protocol is what all sites speak.
func (r *run) protocol() string {
	first := r.sites[0].Protocol()
	for _, s := range r.sites {
		if s.Protocol() != first {
			return "mixed"
		}
	}
	return first
}
