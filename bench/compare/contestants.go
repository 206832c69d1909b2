package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"pumpd/bench/floor"
	"pumpd/bench/load"
	"pumpd/bench/peers"
	"pumpd/bench/source"
)

const floorName = "floor (bare send)"

// measureFloor is one round of bare sending.
func measureFloor(ctx context.Context, opt *Options, at Point) (measure, error) {
	f, err := floor.Measure(ctx, floor.Options{
		Viewers: at.Viewers, Bitrate: at.Bitrate, Packet: at.Packet,
		Merge: opt.Merge, Duration: opt.Window, Threads: 1, Drain: opt.Drain,
	})
	if err != nil {
		return measure{}, err
	}
	return measure{
		secondsPerGB: f.SecondsPerGB, bitRate: float64(f.Bytes) * 8 / f.Seconds, microsASend: f.MicrosASend, others: f.Others,
	}, nil
}

// measurePeer is one round of a server: it is started, fed, watched and stopped.
func measurePeer(ctx context.Context, opt *Options, p *peers.Peer, at Point) (measure, error) {
	server, err := p.Start()
	if err != nil {
		return measure{}, err
	}
	defer server.Stop()
	src, err := source.NewSynthetic(source.Options{
		Bitrate: at.Bitrate, Packet: at.Packet, GOP: 2 * time.Second, Payloads: 1,
	})
	if err != nil {
		return measure{}, err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- server.Feed(feeding, src) }()
	s, err := watch(ctx, opt, server, at, fed)
	stop()
	<-fed
	if err != nil {
		return measure{}, err
	}
	return measureOf(s), nil
}

// watch waits for the stream and then measures. What ended the source, if anything did, stays in fed.
func watch(ctx context.Context, opt *Options, server *peers.Server, at Point, fed chan error) (*load.Summary, error) {
	run := load.Options{
		URLs: []string{server.URL()}, Viewers: at.Viewers, Sample: "1%", Ramp: opt.Ramp, Settle: opt.Settle,
		Duration: opt.Window, Drain: opt.Drain, PID: server.PID(), Quiet: true,
	}
	run.Silence, run.Patience, run.Sources = 5*time.Second, opt.Patience, 8
	if err := awaitStream(ctx, run, server, fed); err != nil {
		return nil, err
	}
	return load.Measure(ctx, run, io.Discard)
}

// errOver is a source that had nothing more to say.
var errOver = errors.New("nothing more to send")

// awaitStream tries with one viewer until the stream is there.
func awaitStream(ctx context.Context, run load.Options, server *peers.Server, fed chan error) error {
	run.Viewers, run.Settle, run.Duration, run.PID = 1, 0, 300*time.Millisecond, 0
	for limit := time.Now().Add(peers.StartTimeout); ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if over, how := server.Ended(); over {
			return fmt.Errorf("server ended: %s: %s", how, server.LastWords())
		}
		select {
		case err := <-fed:
			fed <- err
			return fmt.Errorf("source ended: %w; the server said: %s", cmp.Or(err, errOver), server.LastWords())
		default:
		}
		s, err := load.Measure(ctx, run, io.Discard)
		if err != nil {
			return err
		}
		if s.Bytes > 0 && s.Failed+s.Refused == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("no stream within %s: %v %v; the server said: %s",
				peers.StartTimeout, s.Failures, s.Refusals, server.LastWords())
		}
	}
	return ctx.Err()
}
