package server

import (
	"log/slog"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// streamOptions of fedStream.
type streamOptions struct {
	log  *slog.Logger // nil: nobody listens
	bell func()       // called whenever the chain has grown; nil: nobody is
}

// fedStream is a stream for a pull or a file to feed, on the real clock and with a grace of 30 s; nothing of it is on a
// loop.
func fedStream(t testing.TB, cfg config.Stream, o streamOptions) (*stream, *registry) {
	t.Helper()
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.bell == nil {
		o.bell = func() {}
	}
	c := clock.New()
	st := newStream(0, &cfg, o.log, c, &config.Default().Server, func(int, clock.Instant) { o.bell() })
	st.Listen(0)
	return st, newRegistry(c, 30*time.Second, []*stream{st})
}

// elements lists a chain from e on.
func elements(e *element) (list []*element) {
	for ; e != nil; e = e.next.Load() {
		list = append(list, e)
	}
	return list
}
