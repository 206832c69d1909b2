package upstream

import (
	"io"
	"net"
	"testing"
	"time"

	"pumpd/bench/check"
	"pumpd/bench/source"
	"pumpd/codec"
)

// A viewer that finds more than one write's worth of packets waiting gets all of them.
func TestUpstreamLosesNothing(t *testing.T) {
	src := mustSynthetic(t, source.Options{Bitrate: 2e6, Packet: 1000, GOP: time.Hour, Payloads: 2})
	up, err := Listen("127.0.0.1:0", src.Header())
	if err != nil {
		t.Fatal(err)
	}
	defer up.ln.Close()
	const packets = 300
	for range packets {
		if err := up.Send(src.Take()); err != nil {
			t.Fatal(err)
		}
	}
	up.End()
	for _, mmsh := range []bool{true, false} {
		near, far := net.Pipe()
		go func() {
			up.answer(far, request{mmsh: mmsh, play: mmsh})
			far.Close()
		}()
		got, err := io.ReadAll(near)
		if err != nil {
			t.Fatal(err)
		}
		c := check.New(mmsh, false, func(int64) {})
		c.Feed(got[len(headOf(t, got)):])
		if c.Findings().Packets != packets || c.Findings().Faults.First != "" {
			t.Errorf("mmsh %v: %d packets, %q, want %d", mmsh, c.Findings().Packets, c.Findings().Faults.First, packets)
		}
	}
}

// headOf is the head of an answer.
func headOf(t *testing.T, b []byte) []byte {
	t.Helper()
	var r codec.Response
	n, err := codec.ParseResponse(b, maxRequest, &r)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func mustSynthetic(t testing.TB, opt source.Options) *source.Synthetic {
	t.Helper()
	s, err := source.NewSynthetic(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
