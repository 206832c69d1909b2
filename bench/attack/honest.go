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
	drain    = 2 * time.Millisecond
	joinRate = 500 // a second
)

// A crowd is honest viewers: those who are there all the time, or newcomers. It belongs to one goroutine.
type crowd struct {
	opt     viewers.Options
	clock   latency.Stopwatch
	checks  *viewers.Worker // those who check everything
	drops   *viewers.Worker // those who drop what they get
	started int
}

// newCrowd has nobody in it yet. halt must be called.
func newCrowd(url string) (*crowd, error) {
	c := &crowd{opt: viewers.Options{Silence: silence, Patience: patience, Sources: 8}}
	site, err := viewers.NewSite(url, &c.opt)
	if err != nil {
		return nil, err
	}
	sites := []*viewers.Site{site}
	if c.checks, err = viewers.NewWorker(&c.opt, sites, &c.clock, 0, 0); err != nil {
		return nil, err
	}
	if c.drops, err = viewers.NewWorker(&c.opt, sites, &c.clock, 0, drain); err != nil {
		c.checks.Halt()
		return nil, err
	}
	return c, nil
}

// join lets n viewers come, every second one checks, and waits until all are there.
func (c *crowd) join(ctx context.Context, n int) error {
	if err := sock.RaiseFileLimit(n); err != nil {
		return err
	}
	began := time.Now()
	for ; c.started < n && ctx.Err() == nil; wait(ctx, 10*time.Millisecond) {
		for due := min(n, 1+int(time.Since(began).Seconds()*joinRate)); c.started < due; c.started++ {
			if c.started%2 == 0 {
				c.checks.Start(viewers.Sample, false)
			} else {
				c.drops.Start(viewers.Crowd, false)
			}
		}
	}
	for late := time.Now().Add(patience); ; wait(ctx, 20*time.Millisecond) {
		t := c.totals()
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

// newcomer lets one more viewer come, who checks, and an earlier one go if there are many.
func (c *crowd) newcomer() {
	const many = 20
	c.started++
	if c.checks.Totals().Up < many {
		c.checks.Start(viewers.Sample, false)
	} else {
		c.checks.Replace()
	}
}

// settled waits until each newcomer has its first byte or has none for good.
func (c *crowd) settled(ctx context.Context) {
	const asking = time.Second // until a worker sees that patience is at an end
	for late := time.Now().Add(patience + 2*asking); ctx.Err() == nil && time.Now().Before(late); {
		t := c.totals()
		if c.joins()+t.Failed+t.Refused >= int64(c.started) {
			return
		}
		wait(ctx, 20*time.Millisecond)
	}
}

func (c *crowd) totals() viewers.Totals {
	t := c.checks.Totals()
	t.Add(c.drops.Totals())
	return t
}

// halt ends all of them.
func (c *crowd) halt() {
	c.checks.Halt()
	c.drops.Halt()
}

// found is what they found, after halt.
func (c *crowd) found() viewers.Results {
	all := c.checks.Results()
	drops := c.drops.Results()
	all.Merge(&drops)
	return all
}

// errNoProbes: without them neither gaps nor latency are known.
var errNoProbes = errors.New("the stream has no probes: feed it by bench push -synthetic")
