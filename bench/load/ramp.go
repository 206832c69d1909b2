package load

import (
	"pumpd/bench/viewers"
)

import (
	"context"
	"time"
)

// start adds the i-th viewer of a group.
func (l *run) start(i int, r viewers.Role, herd bool) {
	w := l.watcher
	if r == viewers.Crowd {
		w = l.workers[i%len(l.workers)]
	}
	w.Start(r, herd)
}

// rampUp starts viewers at the wanted rate and waits until each of them watches or has failed.
func (l *run) rampUp(ctx context.Context) {
	for i := range l.opt.Stalled {
		l.start(i, viewers.Stalled, false)
	}
	for i := range l.opt.Slow {
		l.start(i, viewers.Slow, false)
	}
	began := time.Now()
	for started := 0; started < l.opt.Viewers && ctx.Err() == nil; l.sleep(ctx, 10*time.Millisecond) {
		due := l.opt.Viewers
		if l.opt.Ramp > 0 {
			due = min(due, int(time.Since(began).Seconds()*l.opt.Ramp)+1)
		}
		for ; started < due; started++ {
			l.start(started, l.roleOf(started), false)
		}
	}
	for limit := time.Now().Add(l.opt.Patience); time.Now().Before(limit) && ctx.Err() == nil; l.sleep(ctx,
		20*time.Millisecond) {
		t := l.sum()
		over := t.Up + t.Failed + t.Cut
		if !l.opt.Reconnect {
			over += t.Refused
		}
		if over >= int64(l.opt.Viewers+l.opt.Stalled+l.opt.Slow) {
			return
		}
	}
}

// roleOf spreads the samples evenly over the ramp.
func (l *run) roleOf(i int) viewers.Role {
	if l.samples > 0 && (i+1)*l.samples/l.opt.Viewers > i*l.samples/l.opt.Viewers {
		return viewers.Sample
	}
	return viewers.Crowd
}

// sleep waits for d, or less if ctx is done.
func (l *run) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
