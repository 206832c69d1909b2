// Package streamtest makes streams for the tests of what feeds them.
package streamtest

import (
	"log/slog"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// Options of New.
type Options struct {
	Log  *slog.Logger // nil: nobody listens
	Bell func()       // called whenever the chain has grown; nil: nobody is
}

// New is a stream for a pull or a file to feed, on the real clock and with a grace of 30 s; nothing of it is on a
// loop.
func New(t testing.TB, cfg config.Stream, o Options) (*stream.Stream, *stream.Registry) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Bell == nil {
		o.Bell = func() {}
	}
	c := clock.New()
	st := stream.New(0, &cfg, o.Log, c, &config.Default().Server, func(int, clock.Instant) { o.Bell() })
	st.Listen(0)
	return st, stream.NewRegistry(c, 30*time.Second, []*stream.Stream{st})
}

// Elements lists a chain from e on.
func Elements(e *stream.Element) (list []*stream.Element) {
	for ; e != nil; e = e.Next() {
		list = append(list, e)
	}
	return list
}
