package compare

import (
	"pumpd/bench/floor"
	"pumpd/bench/load"
	"pumpd/bench/peers"
	"pumpd/bench/source"
)

import (
	"context"
	"fmt"
	"io"
	"time"
)

func (c *comparison) floor(ctx context.Context, at Point) (measure, error) {
	r, err := floor.Measure(ctx, floor.Options{Viewers: at.Viewers, Bitrate: at.Bitrate, Packet: at.Packet,
		Merge:    c.opt.Merge,
		Duration: c.opt.Window, Threads: 1, Drain: c.opt.Drain})
	if err != nil {
		return measure{}, err
	}
	return measure{secondsPerGB: r.SecondsPerGB, bitRate: float64(r.Bytes) * 8 / r.Seconds, microsASend: r.MicrosASend,
		others: r.Others}, nil
}

// peer starts a server, feeds it, watches it and stops it.
func (c *comparison) peer(ctx context.Context, p *peers.Peer, at Point) (measure, error) {
	r, err := p.Start()
	if err != nil {
		return measure{}, err
	}
	defer r.Stop()
	src, err := source.NewSynthetic(source.Options{Bitrate: at.Bitrate, Packet: at.Packet, GOP: 2 * time.Second,
		Payloads: 1})
	if err != nil {
		return measure{}, err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- r.Feed(feeding, src) }()
	s, err := c.watch(ctx, r, at, fed)
	stop()
	<-fed
	if err != nil {
		return measure{}, err
	}
	return measureOf(s), nil
}

// watch waits for the stream and then measures.
func (c *comparison) watch(ctx context.Context, r *peers.Server, at Point, fed chan error) (*load.Summary, error) {
	opt := load.Options{URLs: []string{r.URL()}, Viewers: at.Viewers, Sample: "1%", Ramp: c.opt.Ramp, Settle: c.opt.Settle,
		Duration: c.opt.Window, Drain: c.opt.Drain, PID: r.PID(), Quiet: true}
	opt.Silence, opt.Patience, opt.Sources = 5*time.Second, c.opt.Patience, 8
	if err := awaitStream(ctx, opt, r, fed); err != nil {
		return nil, err
	}
	return load.Measure(ctx, opt, io.Discard)
}

// awaitStream tries with one viewer until the stream is there.
func awaitStream(ctx context.Context, opt load.Options, r *peers.Server, fed chan error) error {
	opt.Viewers, opt.Settle, opt.Duration, opt.PID = 1, 0, 300*time.Millisecond, 0
	for limit := time.Now().Add(peers.StartTimeout); ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if over, err := r.Ended(); over {
			return fmt.Errorf("server ended: %w: %s", err, r.LastWords())
		}
		select {
		case err := <-fed:
			fed <- err
			return fmt.Errorf("source ended: %w; the server said: %s", err, r.LastWords())
		default:
		}
		s, err := load.Measure(ctx, opt, io.Discard)
		if err != nil {
			return err
		}
		if s.Bytes > 0 && s.Failed+s.Refused == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("no stream within %s: %v %v; the server said: %s", peers.StartTimeout, s.Failures, s.Refusals,
				r.LastWords())
		}
	}
	return ctx.Err()
}
