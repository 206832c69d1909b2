package stream

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
)

// A studio is a stream without loops whose clock is the test's, and a source that feeds it.
type studio struct {
	t     testing.TB
	at    clock.Instant
	reg   *Registry
	st    *Stream
	src   *Source
	next  uint32   // packet
	first *Element // of the chain

	// Of play.
	width uint32 // beyond 320
	off   uint32 // by which the source's clock is off, ms
}

// newStudio has a source, which has said nothing yet.
func newStudio(t testing.TB, change func(*config.Server)) *studio {
	t.Helper()
	f := &studio{t: t, at: 1}
	c := clock.Clock{Now: func() clock.Instant { return f.at }}
	cfg := config.Default().Server
	if change != nil {
		change(&cfg)
	}
	f.st = New(0, &config.Stream{Path: "a"}, slog.New(slog.DiscardHandler), c, &cfg, func(int, clock.Instant) {
		if f.first == nil {
			f.first = f.st.joins.Load().Start
		}
	})
	f.st.Listen(0)
	f.reg = NewRegistry(c, 30*time.Second, []*Stream{f.st})
	f.claim(File)
	return f
}

func (f *studio) claim(kind Kind) {
	f.t.Helper()
	if own := f.st.Writer(); own != nil {
		own.Yield()
	}
	var err error
	if f.src, err = f.st.Claim(Claim{Kind: kind, Who: "test"}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *studio) pass(d time.Duration) { f.at = f.at.Add(d) }

func (f *studio) header(width uint32) {
	f.t.Helper()
	if err := f.src.Header(asftest.Header(asftest.PacketSize, width)); err != nil {
		f.t.Fatal(err)
	}
}

// publish sends n packets, 40 ms apart, every tenth of which is a key frame.
func (f *studio) publish(n int) {
	f.t.Helper()
	for range n {
		b := asftest.Packet(f.next, f.next*40, f.next%10 == 0, asftest.PacketSize, 500)
		if err := f.src.Packet(b); err != nil {
			f.t.Fatal(err)
		}
		f.next++
		f.pass(40 * time.Millisecond)
	}
}

// chain is all that was published.
func (f *studio) chain() (list []*Element) {
	for e := f.first; e != nil; e = e.next.Load() {
		list = append(list, e)
	}
	return list
}

// published is how many headers are in the chain, and the numbers of its packets.
func (f *studio) published() (headers int, packets []uint32) {
	for _, e := range f.chain() {
		switch e.kind {
		case HeaderElement:
			headers++
		case PacketElement:
			packets = append(packets, asftest.Number(e.full))
		}
	}
	return headers, packets
}

// wants wants one header and these packets in the chain, and no end.
func (f *studio) wants(packets []uint32) {
	f.t.Helper()
	if headers, got := f.published(); headers != 1 || !slices.Equal(got, packets) || f.st.Up() == nil {
		f.t.Errorf("%d headers, packets %v, want 1 and %v", headers, got, packets)
	}
}
