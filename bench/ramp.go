package main

import (
	"context"
	"time"
)

// start adds the i-th viewer of a group.
func (l *load) start(i int, r role, herd bool) {
	w := l.watcher
	if r == crowd {
		w = l.workers[i%len(l.workers)]
	}
	w.start(r, herd)
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
		t := l.sum()
		over := t.up + t.failed + t.cut
		if !l.opt.reconnect {
			over += t.refused
		}
		if over >= int64(l.opt.viewers+l.opt.stalled+l.opt.slow) {
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

// sleep waits for d, or less if ctx is done.
func (l *load) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
