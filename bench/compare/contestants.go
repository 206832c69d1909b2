package compare

import (
	"context"
	"fmt"
	"io"
	"strings"
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
	if strings.HasSuffix(p.Name, lookedAt) {
		looked := look(feeding, server.AdminURL())
		defer func() { <-looked }()
	}
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
	trouble := func() error { return server.Trouble(fed) }
	if err := load.Await(ctx, run, peers.StartTimeout, trouble); err != nil {
		return nil, fmt.Errorf("%w; the server said: %s", err, server.LastWords())
	}
	return load.Measure(ctx, run, io.Discard)
}
