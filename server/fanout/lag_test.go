package fanout

import (
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"pumpd/asf/asftest"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// A hostage is an element of a chain that somebody may hold.
type hostage struct{ weak.Pointer[stream.Element] }

// hostage takes the newest element of the first stream. Nothing of the test holds it.
func (r *rig) hostage() hostage {
	return hostage{weak.Make(newest(r.stream.Joins().Newest))}
}

// freed says whether nobody holds it any more.
func (r *rig) freed(h hostage) bool {
	runtime.GC()
	held := h.Value() != nil
	runtime.KeepAlive(r)
	return !held
}

// Rounds and turns leave packets in the hub's scratch, and each holds all that come after it.
func TestScratchHoldsNoChain(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(30)
	h := r.hostage()
	f.publish(20)
	r.watch(ffmpegAgent) // has a turn with all of that
	for range 10 {
		f.publish(25)
		r.turn()
	}
	if !r.freed(h) {
		t.Error("a packet that was sent 10 s ago is still held")
	}
}

// A viewer that has crossed a header is moved up like any other.
func TestSlowViewerSkipsAfterAHeader(t *testing.T) {
	for _, agent := range []string{"NSPlayer/8.0", wmpAgent} {
		r := newRig(t, nil)
		f := r.feeder(320)
		f.publish(10)
		p := r.watch(agent)
		f.header(640)
		f.publish(10)
		r.turn()
		p.room = 0
		for range 400 { // 16 s
			f.publish(1)
			r.turn()
		}
		p.room = plenty
		for range 10 {
			r.turn()
		}
		got := r.read(p.body())
		if n := len(got.numbers); got.headers != 2 || n > 300 || got.numbers[n-1] != f.next-1 {
			t.Errorf("%s: %d headers and %d packets, want 2 and some left out", agent, got.headers, n)
		}
	}
}

// A viewer that takes a little every second is not stalled. When its stream gets another header it must not hold all of
// the old one.
func TestSlowViewerBehindAHeader(t *testing.T) {
	for agent, ended := range map[string]int64{vlcAgent: 0, wmpAgent: -1, ffmpegAgent: 1, curlAgent: -1} {
		r := newRig(t, nil)
		f := r.feeder(320)
		f.publish(10)
		p := r.watch(agent)
		p.room = 0
		f.publish(10)
		r.turn()
		f.header(640)
		h := r.hostage()
		for range 30 {
			f.publish(25)
			p.room = 10
			r.turn()
		}
		if !r.freed(h) {
			t.Errorf("%s: holds the chain from 30 s ago", agent)
		}
		p.room = plenty
		r.turn()
		f.publish(10)
		r.turn()
		if agent == curlAgent {
			if !p.fin {
				t.Errorf("%s: stays, though there is no way to tell it of a header", agent)
			}
			continue
		}
		got := r.read(p.body())
		crossed := got.headers == 2 && got.numbers[len(got.numbers)-1] == f.next-1
		if got.ended != ended || crossed != (ended < 0) || p.fin == crossed {
			t.Errorf("%s: %d headers, $E %d, FIN %v, want $E %d and FIN, or at -1 the newest packet", agent, got.headers,
				got.ended, p.fin, ended)
		}
	}
}

// A viewer that is only to be sent its end must not hold what it does not get.
func TestSlowViewerAtItsEnd(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(10)
	p := r.watch(ffmpegAgent)
	p.room = 100
	f.publish(10)
	r.turn()
	h := r.hostage()
	r.hub.Dismiss(p.viewer, reason.Stopped, r.at)
	for range 30 {
		f.publish(25)
		p.room = 1
		r.turn()
	}
	if !r.freed(h) {
		t.Error("holds a stream that it does not watch any more")
	}
	p.room = plenty
	r.turn()
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || len(got.numbers) != 11 {
		t.Errorf("%d packets, $E %d, want 11 and 0", len(got.numbers), got.ended)
	}
}

// Where every packet is a place to start, the newest of them can always be ahead of the round.
func TestSlowViewerWhileTheChainRunsAhead(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	key := func() {
		if err := f.src.Packet(asftest.Packet(f.next, f.next*40, true, asftest.PacketSize, 500)); err != nil {
			t.Fatal(err)
		}
		f.next++
		r.pass(40 * time.Millisecond)
	}
	key()
	p, other := r.watch(ffmpegAgent), r.watch(ffmpegAgent)
	other.onSend = func() { key(); key() } // while the round is on its way
	p.room = 0
	key()
	r.turn()
	key()
	h := r.hostage()
	for range 26 * 25 {
		key()
		p.room = 1
		r.turn()
	}
	if !r.freed(h) {
		t.Error("holds the chain from 26 s ago")
	}
	p.room = plenty
	other.onSend = nil
	r.turn()
	key()
	r.turn()
	if got := r.read(p.body()).numbers; got[len(got)-1] != f.next-1 {
		t.Errorf("its last packet is %d, want %d", got[len(got)-1], f.next-1)
	}
}

// A viewer that holds more than there may be goes on without a key frame.
func TestSlowViewerWithoutAKeyFrame(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	p := r.watch(ffmpegAgent)
	p.room = 0
	r.hub.limits.lagBytes = 3 * asftest.PacketSize
	for range 9 { // up to the next key frame
		f.publish(1)
		r.turn()
	}
	r.pass(time.Second)
	r.turn()
	p.room = plenty
	r.turn()
	f.publish(1)
	r.turn()
	if got := r.read(p.body()).numbers; !slices.Equal(got, []uint32{0, 10}) {
		t.Errorf("packets %d, want 0 and 10", got)
	}
}

// A viewer that starts that far back and cannot take all at once is not too slow.
func TestLongBurstIsNoLag(t *testing.T) {
	r := newRig(t, nil)
	src := r.source()
	if err := src.Header(asftest.Prerolled(asftest.PacketSize, 20_000)); err != nil {
		t.Fatal(err)
	}
	publish := func(i uint32) {
		if err := src.Packet(asftest.Packet(i, i*40, i%250 == 0, asftest.PacketSize, 500)); err != nil {
			t.Fatal(err)
		}
		r.pass(40 * time.Millisecond)
	}
	for i := range uint32(1000) {
		publish(i)
	}
	p := r.watchIn(ffmpegAgent, 100_000)
	for i := uint32(1000); i < 1250; i++ { // ten seconds in which it gets what comes, and little more
		publish(i)
		r.turn()
		p.room += 1000
	}
	p.room = plenty
	for range 20 {
		r.turn()
	}
	got := r.read(p.body()).numbers
	if !slices.Equal(got, numbers(got[0], 1250)) || r.stream.Stats().Skips.Load() != 0 {
		t.Errorf("%d skips; got %d packets from %d on, want all of them", r.stream.Stats().Skips.Load(), len(got),
			got[0])
	}
}
