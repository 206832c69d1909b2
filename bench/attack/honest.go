package attack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pumpd/bench/latency"
	"pumpd/bench/sock"
	"pumpd/bench/viewers"
)

// How honest viewers behave. One that hears nothing for as long as silence has seen the stream freeze.
const (
	silence  = 3 * time.Second
	patience = 10 * time.Second // for the first byte
	joinRate = 500              // a second
)

// A crowd is honest viewers, who check all they get: those who are there all the time, or newcomers. It belongs to one
// goroutine.
type crowd struct {
	opt     viewers.Options
	clock   latency.Stopwatch
	worker  *viewers.Worker
	started int
}

// newCrowd has nobody in it yet. halt must be called.
func newCrowd(url string) (*crowd, error) {
	c := &crowd{opt: viewers.Options{Silence: silence, Patience: patience, Sources: 8}}
	site, err := viewers.NewSite(url, &c.opt)
	if err != nil {
		return nil, err
	}
	c.worker, err = viewers.NewWorker(&c.opt, []*viewers.Site{site}, &c.clock, 0, 0)
	return c, err
}

// join lets n viewers come, and waits until all are there.
func (c *crowd) join(ctx context.Context, n int) error {
	if err := sock.RaiseFileLimit(n); err != nil {
		return err
	}
	began := time.Now()
	for ; c.started < n && ctx.Err() == nil; wait(ctx, 10*time.Millisecond) {
		for due := min(n, 1+int(time.Since(began).Seconds()*joinRate)); c.started < due; c.started++ {
			c.worker.Start(viewers.Sample, false)
		}
	}
	for late := time.Now().Add(patience); ; wait(ctx, 20*time.Millisecond) {
		t := c.worker.Totals()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case int(t.Up) == n && c.joins() == int64(n):
			return nil
		case t.Failed+t.Refused > 0 || time.Now().After(late):
			return fmt.Errorf("%d of %d honest viewers are there, %d failed, %d were refused", t.Up, n, t.Failed, t.Refused)
		}
	}
}

// joins is how many had their first byte of stream.
func (c *crowd) joins() int64 {
	if s := c.clock.Times().Joins; s != nil {
		return s.Count
	}
	return 0
}

// newcomer lets one more viewer come, and an earlier one go if there are many.
func (c *crowd) newcomer() {
	const many = 20
	c.started++
	if c.worker.Totals().Up < many {
		c.worker.Start(viewers.Sample, false)
	} else {
		c.worker.Replace()
	}
}

// settled waits until each newcomer has its first byte or has none for good.
func (c *crowd) settled(ctx context.Context) {
	const asking = time.Second // until a worker sees that patience is at an end
	for late := time.Now().Add(patience + 2*asking); ctx.Err() == nil && time.Now().Before(late); {
		t := c.worker.Totals()
		if c.joins()+t.Failed+t.Refused >= int64(c.started) {
			return
		}
		wait(ctx, 20*time.Millisecond)
	}
}

// halt ends all of them.
func (c *crowd) halt() { c.worker.Halt() }

// found is what they found, after halt.
func (c *crowd) found() viewers.Results { return c.worker.Results() }

// errNoProbes: without them neither gaps nor latency are known.
var errNoProbes = errors.New("the stream has no probes: feed it by bench push -synthetic")
