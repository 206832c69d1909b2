// Package streamtest makes streams for the tests of what feeds them.
package streamtest

import (
	"bytes"
	"encoding/gob"
	"log/slog"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// Options of New.
type Options struct {
	Log   *slog.Logger // nil: nobody listens
	Bell  func()       // called whenever the chain has grown; nil: nobody is
	Clock clock.Clock  // zero: one that begins now
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
	c := o.Clock
	if c.Now == nil {
		c = clock.New()
	}
	st := stream.New(0, &cfg, o.Log, c, &config.Default().Server, func(int, clock.Instant) { o.Bell() })
	st.Listen(0)
	return st, stream.NewRegistry(c, 30*time.Second, []*stream.Stream{st})
}

// Move makes of a stream that nobody has used what another one is, which stands still, by way of bytes as between two
// processes. It has the same clock.
func Move(t testing.TB, from, to *stream.Stream) {
	t.Helper()
	Import(t, from.Export(), to)
}

// Import is Move for those who stand in the stream, of whom x has been told.
func Import(t testing.TB, x *stream.Exporter, to *stream.Stream) *stream.Importer {
	t.Helper()
	s := x.Snapshot()
	m, err := to.Import(Gob(t, &s))
	if err != nil {
		t.Fatal(err)
	}
	for batch := range x.Batches(64 << 10) {
		if err := m.Add(*Gob(t, &batch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Gob is v as it comes out of its gob.
func Gob[T any](t testing.TB, v *T) *T {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	out := new(T)
	if err := gob.NewDecoder(&b).Decode(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Elements lists a chain from e on.
func Elements(e *stream.Element) (list []*stream.Element) {
	for ; e != nil; e = e.Next() {
		list = append(list, e)
	}
	return list
}
