package main

import (
	"io"
	"net"
	"testing"
	"time"

	"pumpd/codec"
)

// A viewer that finds more than one write's worth of packets waiting gets all of them.
func TestUpstreamLosesNothing(t *testing.T) {
	src := mustSynth(t, synthOptions{bitrate: 2e6, packet: 1000, gop: time.Hour, payloads: 2})
	up, err := newUpstream("127.0.0.1:0", src.header())
	if err != nil {
		t.Fatal(err)
	}
	defer up.ln.Close()
	const packets = 300
	for range packets {
		if err := up.send(src.take()); err != nil {
			t.Fatal(err)
		}
	}
	up.over()
	for _, mmsh := range []bool{true, false} {
		near, far := net.Pipe()
		go func() {
			up.answer(far, ask{mmsh: mmsh, play: mmsh})
			far.Close()
		}()
		got, err := io.ReadAll(near)
		if err != nil {
			t.Fatal(err)
		}
		c := newChecker(mmsh, false, func(int64) {})
		c.feed(got[len(headOf(t, got)):])
		if c.found.packets != packets || c.found.faults.first != "" {
			t.Errorf("mmsh %v: %d packets, %q, want %d", mmsh, c.found.packets, c.found.faults.first, packets)
		}
	}
}

// headOf is the head of an answer.
func headOf(t *testing.T, b []byte) []byte {
	t.Helper()
	var r codec.Response
	n, err := codec.ParseResponse(b, maxAsk, &r)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}
