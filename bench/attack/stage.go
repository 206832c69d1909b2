package attack

import (
	"context"
	"slices"
	"time"

	"pumpd/bench/peers"
	"pumpd/bench/source"
)

// A stage is a pump that was started for one attack, and its source.
type stage struct {
	server *peers.Server
	stop   context.CancelFunc // of the source
	fed    chan error
}

// newStage starts both. end must be called.
func newStage(ctx context.Context, opt Options, kind Kind) (*stage, error) {
	src, err := source.NewSynthetic(source.Options{
		Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 1, Ballast: kind.Ballast,
	})
	if err != nil {
		return nil, err
	}
	setup := kind.Setup
	setup.Settings = slices.Concat(setup.Settings, opt.Settings)
	server, err := peers.Pumpd(opt.Pumpd, setup).Start()
	if err != nil {
		return nil, err
	}
	feeding, stop := context.WithCancel(ctx)
	s := &stage{server: server, stop: stop, fed: make(chan error, 1)}
	go func() { s.fed <- server.Feed(feeding, src) }()
	return s, nil
}

// trouble says why there is no stream any more.
func (s *stage) trouble() error { return s.server.Trouble(s.fed) }

// end ends both; willing: the pump needed no force.
func (s *stage) end() (willing bool) {
	s.stop()
	<-s.fed
	return s.server.Stop()
}
