package fanout

import (
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/stream"
)

const (
	ffmpegAgent = "NSPlayer/4.1.0.3856"
	vlcAgent    = "NSPlayer/7.10.0.3059"
	wmpAgent    = "NSPlayer/12.0.7601.17514"
	curlAgent   = "curl/8"
)

// A feeder publishes numbered packets, a key frame every ten, 40 ms apart.
type feeder struct {
	rig  *rig
	src  *stream.Source
	next uint32
	key  func(number uint32, send uint32, size, n int) []byte // makes packets with a key frame, if not asftest.Packet
}

func (r *rig) feeder(width uint32) *feeder {
	f := &feeder{rig: r, src: r.source()}
	f.header(width)
	return f
}

func (f *feeder) header(width uint32) {
	if err := f.src.Header(asftest.Header(asftest.PacketSize, width)); err != nil {
		f.rig.t.Fatal(err)
	}
}

func (f *feeder) publish(n int) {
	for range n {
		f.packet()
		f.rig.pass(40 * time.Millisecond)
	}
}

func (f *feeder) packet() {
	key := f.next%10 == 0
	b := asftest.Packet(f.next, f.next*40, key, asftest.PacketSize, 500)
	if key && f.key != nil {
		b = f.key(f.next, f.next*40, asftest.PacketSize, 400)
	}
	if err := f.src.Packet(b); err != nil {
		f.rig.t.Fatal(err)
	}
	f.next++
}

func numbers(from, to uint32) (n []uint32) {
	for ; from < to; from++ {
		n = append(n, from)
	}
	return n
}
