package attack

import (
	"context"
	"time"

	"pumpd/bench/latency"
	"pumpd/bench/viewers"
)

// A Phase is what was measured in one window: before, during or after the attack.
type Phase struct {
	Seconds float64
	Latency *latency.Spread // of packets, nil if none came
	Joins   *latency.Spread // newcomers' first byte, nil if none had one
	Came    int             // newcomers
	Without int             // newcomers that never had a byte
	Lost    int64           // of those who were there: closed or without data for too long
	Peak    Use             // the most there was; CPU of the window
	Others  float64         // share of the machine that other programs took, not the attacker
}

// rate is how many packets a second were checked.
func (p *Phase) rate() float64 {
	if p.Latency == nil || p.Seconds == 0 {
		return 0
	}
	return float64(p.Latency.Count) / p.Seconds
}

// measure is one window: the crowd watches and newcomers come. What those found is added to all.
func (e *experiment) measure(ctx context.Context, all *viewers.Results) (p Phase, err error) {
	newcomers, err := newCrowd(e.door)
	if err != nil {
		return p, err
	}
	halted := false
	halt := func() {
		if !halted {
			newcomers.halt()
			halted = true
		}
	}
	defer halt()
	start, err := useOf(e.pid)
	if err != nil {
		return p, err
	}
	lost := e.lost()
	quiet, err := tickNow()
	if err != nil {
		return p, err
	}
	e.honest.clock.Lap()
	began := time.Now()
	if err := e.watch(ctx, newcomers, &p); err != nil {
		return p, err
	}
	p.Seconds, p.Latency = time.Since(began).Seconds(), e.honest.clock.Lap()
	p.Peak.CPU -= start.CPU
	loud, err := tickNow()
	if err != nil {
		return p, err
	}
	p.Others = loud.others(quiet, p.Peak.CPU)
	newcomers.settled(ctx)
	p.Lost = e.lost() - lost
	p.Came, p.Joins = newcomers.started, newcomers.clock.Times().Joins
	p.Without = newcomers.started - int(newcomers.joins())
	halt()
	found := newcomers.found()
	all.Merge(&found)
	return p, nil
}

// watch lets newcomers come for a window and looks at the pump meanwhile.
func (e *experiment) watch(ctx context.Context, newcomers *crowd, p *Phase) error {
	const look = 50 * time.Millisecond
	for began, n := time.Now(), 0; time.Since(began) < e.opt.Window; n++ {
		for newcomers.started < 1+int(time.Since(began).Seconds()*float64(e.opt.Newcomers)) {
			newcomers.newcomer()
		}
		if n%4 == 0 || time.Since(began)+look >= e.opt.Window {
			use, err := useOf(e.pid)
			if err != nil {
				return err
			}
			p.Peak.peak(use)
		}
		if wait(ctx, look); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// lost is how many of the crowd are closed or hear nothing.
func (e *experiment) lost() int64 {
	t := e.honest.worker.Totals()
	return t.Failed + t.Refused + t.Silent
}
