package load

import (
	"context"
	"time"

	"pumpd/bench/viewers"
)

// start adds a viewer; those of the crowd are dealt out to its workers.
func (r *run) start(role viewers.Role, herd bool) {
	w := r.watcher
	if role == viewers.Crowd {
		w = r.workers[r.crowd%len(r.workers)]
		r.crowd++
	}
	w.Start(role, herd)
}

// rampUp starts viewers at the wanted rate and waits until each of them watches or has failed.
func (r *run) rampUp(ctx context.Context) {
	for range r.opt.Stalled {
		r.start(viewers.Stalled, false)
	}
	for range r.opt.Slow {
		r.start(viewers.Slow, false)
	}
	began := time.Now()
	for started := 0; started < r.opt.Viewers && ctx.Err() == nil; r.sleep(ctx, 10*time.Millisecond) {
		due := r.opt.Viewers
		if r.opt.Ramp > 0 {
			due = min(due, int(time.Since(began).Seconds()*r.opt.Ramp)+1)
		}
		for ; started < due; started++ {
			r.start(r.roleOf(started), false)
		}
	}
	limit := time.Now().Add(r.opt.Patience)
	for ; time.Now().Before(limit) && ctx.Err() == nil; r.sleep(ctx, 20*time.Millisecond) {
		t := r.sum()
		over := t.Up + t.Failed + t.Cut
		if !r.opt.Reconnect {
			over += t.Refused
		}
		if over >= int64(r.opt.Viewers+r.opt.Stalled+r.opt.Slow) {
			return
		}
	}
}

// roleOf spreads the samples evenly over the ramp.
func (r *run) roleOf(i int) viewers.Role {
	if r.samples > 0 && (i+1)*r.samples/r.opt.Viewers > i*r.samples/r.opt.Viewers {
		return viewers.Sample
	}
	return viewers.Crowd
}

// sleep waits for d, or less if ctx is done.
func (r *run) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
