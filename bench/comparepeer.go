package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

func (c *comparison) floor(ctx context.Context, at point) (measure, error) {
	r, err := measureFloor(ctx, floorOptions{viewers: at.viewers, bitrate: at.bitrate, packet: at.packet, merge: c.opt.merge,
		duration: c.opt.window, threads: 1, drain: c.opt.drain})
	if err != nil {
		return measure{}, err
	}
	return measure{secondsPerGB: r.SecondsPerGB, bitRate: float64(r.Bytes) * 8 / r.Seconds, microsASend: r.MicrosASend, others: r.Others}, nil
}

// peer starts a server, feeds it, watches it and stops it.
func (c *comparison) peer(ctx context.Context, p *peer, at point) (measure, error) {
	r, err := p.start()
	if err != nil {
		return measure{}, err
	}
	defer r.stop()
	src, err := newSynth(synthOptions{bitrate: at.bitrate, packet: at.packet, gop: 2 * time.Second, payloads: 1})
	if err != nil {
		return measure{}, err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- r.feed(feeding, src) }()
	s, err := c.watch(ctx, r, at, fed)
	stop()
	<-fed
	if err != nil {
		return measure{}, err
	}
	return measureOf(s), nil
}

// watch waits for the stream and then measures.
func (c *comparison) watch(ctx context.Context, r *running, at point, fed chan error) (*summary, error) {
	opt := loadOptions{urls: []string{r.url()}, viewers: at.viewers, sample: "1%", ramp: c.opt.ramp, settle: c.opt.settle,
		duration: c.opt.window, drain: c.opt.drain, pid: r.pid(), quiet: true}
	opt.silence, opt.patience, opt.sources = 5*time.Second, c.opt.patience, 8
	if err := awaitStream(ctx, opt, r, fed); err != nil {
		return nil, err
	}
	return measureLoad(ctx, opt, io.Discard)
}

// awaitStream tries with one viewer until the stream is there.
func awaitStream(ctx context.Context, opt loadOptions, r *running, fed chan error) error {
	opt.viewers, opt.settle, opt.duration, opt.pid = 1, 0, 300*time.Millisecond, 0
	for limit := time.Now().Add(startTimeout); ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if over, err := r.ended(); over {
			return fmt.Errorf("server ended: %v: %s", err, r.lastWords())
		}
		select {
		case err := <-fed:
			fed <- err
			return fmt.Errorf("source ended: %v; the server said: %s", err, r.lastWords())
		default:
		}
		s, err := measureLoad(ctx, opt, io.Discard)
		if err != nil {
			return err
		}
		if s.Bytes > 0 && s.Failed+s.Refused == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("no stream within %s: %v %v; the server said: %s", startTimeout, s.Failures, s.Refusals, r.lastWords())
		}
	}
	return ctx.Err()
}
