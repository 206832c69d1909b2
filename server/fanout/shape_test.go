package fanout

import (
	"slices"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// thin is a configuration with an uplink; packets of the feeder take 200 kbit/s.
func thin(uplink config.Bandwidth) func(*config.Config) {
	return func(c *config.Config) { c.Server.Uplink = config.Uplink{Rate: uplink} }
}

// run lets the line work for a while, without news.
func (r *rig) run(d time.Duration) {
	for end := r.at.Add(d); r.at < end; r.pass(2 * time.Millisecond) {
		r.turn()
	}
}

// live publishes for a while, a packet every 40 ms, and lets the line work in between.
func (f *feeder) live(packets int) {
	for range packets {
		f.packet()
		f.rig.run(40 * time.Millisecond)
	}
}

// A herd of joiners beside those who watch costs them not one packet: each is there in the moment that it was before.
// The joiners have their pictures in turn.
func TestHerdDoesNotDelayThoseWhoWatch(t *testing.T) {
	r := newRig(t, thin(4e6)) // for 19 viewers
	f := r.feeder(320)
	f.publish(100)
	var old []*peer
	for range 5 {
		old = append(old, r.watch(ffmpegAgent))
	}
	f.live(50)
	var herd []*peer
	for range 10 {
		herd = append(herd, r.watch(ffmpegAgent))
	}
	for range 100 {
		f.src.Packet(asftest.Packet(f.next, f.next*40, f.next%10 == 0, asftest.PacketSize, 500))
		f.next++
		r.run(12 * time.Millisecond)
		for i, p := range old {
			got := r.read(p.body()).numbers
			if got[len(got)-1] != f.next-1 {
				t.Fatalf("viewer %d has packet %d, want %d", i, got[len(got)-1], f.next-1)
			}
		}
		r.run(28 * time.Millisecond)
	}
	for i, p := range herd {
		got := r.read(p.body()).numbers
		if len(got) == 0 || got[0]%10 != 0 || !slices.Equal(got, numbers(got[0], f.next)) {
			t.Errorf("joiner %d got %v", i, got)
		}
	}
}

// A burst is as long as the line can pay for: all of it while there is room, down to the newest key frame. What could
// only be paid after the next key frame waits for that.
func TestBurstShrinksWithTheHeadroom(t *testing.T) {
	for _, c := range []struct {
		uplink config.Bandwidth
		first  uint32
	}{
		{10e6, 120},  // the burst of 3 s
		{1e6, 180},   // what the line has to spare
		{600e3, 190}, // the newest key frame
		{300e3, 200}, // the one that comes next
	} {
		r := newRig(t, thin(c.uplink))
		f := r.feeder(320)
		f.publish(192)
		r.turn()
		p := r.watch(ffmpegAgent)
		if got := r.read(p.body()); got.headers != 1 {
			t.Errorf("%v: no header", c.uplink)
		}
		f.live(100)
		got := r.read(p.body()).numbers
		if len(got) == 0 || got[0] != c.first {
			t.Errorf("%v: begins with %v, want %d", c.uplink, got[:min(len(got), 1)], c.first)
		} else if !slices.Equal(got, numbers(c.first, f.next)) {
			t.Errorf("%v: got %v", c.uplink, got)
		}
	}
}

// VLC shows what is left of a frame before the key frame that it starts with, so that is taken off: also where its
// socket was full before it had the header, and where a newer key frame waits for the next round.
func TestShapedStartIsTrimmed(t *testing.T) {
	merge := func(d time.Duration) func(*config.Config) {
		return func(c *config.Config) {
			thin(4e6)(c)
			c.Server.Merge = config.Merge{Interval: config.Duration(d)}
		}
	}
	for name, c := range map[string]struct {
		change  func(*config.Config)
		room    int
		unheard int // packets that no round has come to when it joins
	}{
		"as usual":         {thin(4e6), plenty, 0},
		"a full socket":    {thin(4e6), len(head) + 40, 0},
		"no room at all":   {thin(4e6), 0, 0},
		"before the round": {merge(time.Second), plenty, 6},
	} {
		r := newRig(t, c.change)
		f := r.feeder(320)
		f.key = asftest.Mixed
		f.publish(105)
		other := r.watch(ffmpegAgent)
		r.run(2 * time.Second)
		f.publish(c.unheard)
		p := r.watchIn(vlcAgent, c.room)
		r.run(20 * time.Millisecond)
		p.room = plenty
		f.live(60)
		r.run(time.Second)
		first := firstPacket(t, p.body())
		if n := asftest.Number(first); n%10 != 0 || asftest.Payloads(first) != 1 {
			t.Errorf("%s: it starts with packet %d of %d payloads, want a key frame alone", name, n, asftest.Payloads(first))
		}
		for _, p := range []*peer{p, other} {
			if got := r.read(p.body()).numbers; len(got) == 0 || !slices.Equal(got, numbers(got[0], f.next)) {
				t.Errorf("%s: got %v", name, got)
			}
		}
	}
}

// firstPacket is that of what a viewer got.
func firstPacket(t *testing.T, b []byte) []byte {
	t.Helper()
	for len(b) > 0 {
		f, n, err := codec.ParseFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == 'D' {
			d, err := codec.ParseData(f.Body)
			if err != nil {
				t.Fatal(err)
			}
			return d.Payload
		}
		b = b[n:]
	}
	t.Fatal("no packet")
	return nil
}

// Whoever waits for the line, or for a key frame, is gone with the stream, and nothing remembers them.
func TestRetireForgetsWhoWaits(t *testing.T) {
	r := newRig(t, thin(300e3))
	f := r.feeder(320)
	f.publish(195)
	var all []*peer
	for range 10 {
		all = append(all, r.watch(ffmpegAgent))
	}
	a := r.hub.of[r.stream]
	r.run(100 * time.Millisecond)
	if len(a.patient) == 0 || len(r.hub.arrivals) == 0 {
		t.Fatalf("%d wait for a key frame, %d for the header", len(a.patient), len(r.hub.arrivals))
	}
	r.stream.Retire()
	r.during(func() { r.hub.Retire([]*stream.Stream{r.stream}, reason.StreamRemoved, r.at) })
	r.run(100 * time.Millisecond)
	for i, p := range all {
		if p.why != reason.StreamRemoved {
			t.Errorf("viewer %d: %v", i, p.why)
		}
	}
	left := len(a.patient) + len(r.hub.of) + len(r.hub.audiences)
	for _, q := range append(r.hub.waiting[:], r.hub.arrivals) {
		left += len(q)
		for _, v := range q[:cap(q)] {
			if v != nil {
				left++
			}
		}
	}
	if left > 0 || r.hub.owed != 0 {
		t.Errorf("%d things are left, %d bytes are owed", left, r.hub.owed)
	}
}

// Where nothing is known of the line, and a queue begins to grow before most viewers, bursts are short.
func TestBurstIsShortWhereAQueueGrows(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.Uplink = config.Uplink{Auto: true} })
	f := r.feeder(320)
	f.publish(100)
	var all []*peer
	for range 6 {
		all = append(all, r.watch(ffmpegAgent))
	}
	for _, c := range []struct {
		wait  time.Duration
		burst uint32 // packets
	}{{10 * time.Millisecond, 75}, {30 * time.Millisecond, 10}, {10 * time.Millisecond, 75}} {
		for range 40 {
			for _, p := range all {
				p.socket = Socket{RTT: 50*time.Millisecond + c.wait, LeastRTT: 50 * time.Millisecond,
					Sent: p.viewer.bytes, Segments: uint32(p.viewer.bytes / 100), Arrived: uint32(p.viewer.bytes / 100)}
			}
			f.live(1)
		}
		got := r.read(r.watch(ffmpegAgent).body()).numbers
		if n := f.next - got[0]; n < c.burst-10 || n > c.burst+10 {
			t.Errorf("packets wait %v: a burst of %d packets, want about %d", c.wait, n, c.burst)
		}
	}
}

// The headers of a herd are many bytes together, and wait for the line as all else.
func TestHeadersOfAHerdWaitForTheLine(t *testing.T) {
	r := newRig(t, thin(1e6)) // ten headers in 100 ms
	f := r.feeder(320)
	f.publish(10)
	r.turn()
	var herd []*peer
	for range 50 {
		herd = append(herd, r.watch(ffmpegAgent))
	}
	greeted := func() (n int) {
		for _, p := range herd {
			if r.read(p.body()).headers == 1 {
				n++
			}
		}
		return n
	}
	if n := greeted(); n == 0 || n > 5 {
		t.Errorf("%d of 50 have their header at once, want some", n)
	}
	r.run(2 * time.Second)
	if n := greeted(); n != 50 {
		t.Errorf("%d of 50 have their header after two seconds", n)
	}
}

// A round is as fast as the line, and a rest of it goes before the next one.
func TestRoundsAreSpread(t *testing.T) {
	r := newRig(t, thin(4e6))
	f := r.feeder(320)
	f.publish(1)
	var all []*peer
	for range 15 {
		all = append(all, r.watch(ffmpegAgent))
	}
	r.run(time.Second)
	f.src.Packet(asftest.Packet(f.next, f.next*40, false, asftest.PacketSize, 500))
	have := func() (n int) {
		for _, p := range all {
			if slices.Contains(r.read(p.body()).numbers, 1) {
				n++
			}
		}
		return n
	}
	r.turn()
	at := have()
	if at < 3 || at > 10 {
		t.Errorf("%d of 15 viewers have the packet at once, want as many as the line takes in some milliseconds", at)
	}
	for i := range 15 {
		if old := i < at; old != slices.Contains(r.read(all[i].body()).numbers, 1) {
			t.Errorf("viewer %d is out of order", i)
		}
	}
	r.run(40 * time.Millisecond)
	if n := have(); n != 15 {
		t.Errorf("%d of 15 viewers have the packet after 40 ms", n)
	}
}

// Where the node knows its line a round allocates nothing either.
func TestShapedRoundAllocatesNothing(t *testing.T) {
	r := newRig(t, thin(1e9))
	f := r.feeder(320)
	f.publish(1)
	for range 100 {
		r.watch(ffmpegAgent).got = make([]byte, 0, 1<<20)
	}
	r.run(100 * time.Millisecond)
	r.hub.engine = swallow{}
	var elements [][]byte
	for range 200 {
		elements = append(elements, asftest.Packet(f.next, f.next*40, false, asftest.PacketSize, 500))
		f.next++
	}
	i := 0
	publish := func() {
		r.pass(40 * time.Millisecond)
		f.src.Packet(elements[i])
		i++
	}
	own := testing.AllocsPerRun(50, publish)
	both := testing.AllocsPerRun(50, func() {
		publish()
		r.hub.Work(r.at)
	})
	if both-own >= 1 {
		t.Errorf("a round to 100 viewers allocates %.1f times, want 0", both-own)
	}
}

// Sockets that are held up, most of them, are a full line: the newest viewers are ended, pumps are not.
func TestFullLineEndsTheNewest(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.Uplink = config.Uplink{Auto: true} })
	f := r.feeder(320)
	f.publish(1)
	var all []*peer
	for range 10 {
		all = append(all, r.watch(ffmpegAgent))
		f.live(1)
	}
	pump := r.watch("NSPlayer/4.1.0.3856")
	pump.viewer.dialect = otherPump
	arrives := func(rtt time.Duration, part uint32) {
		for _, p := range all {
			if p.viewer != nil {
				p.socket = Socket{RTT: rtt, LeastRTT: 50 * time.Millisecond, Sent: p.viewer.bytes,
					Segments: uint32(p.viewer.bytes / 100), Arrived: uint32(p.viewer.bytes/100) / part}
			}
		}
		f.live(6)
	}
	for range 8 {
		arrives(50*time.Millisecond, 1)
	}
	for range 20 {
		arrives(300*time.Millisecond, 2)
	}
	for i, p := range all {
		if (i < 3 && p.why != reason.None) || (i > 6 && p.why != reason.Uplink) {
			t.Errorf("viewer %d: %v", i, p.why)
		}
		if i > 0 && all[i-1].why == reason.Uplink && p.why == reason.None {
			t.Errorf("viewer %d was ended before viewer %d", i-1, i)
		}
	}
	if pump.why != reason.None {
		t.Errorf("the pump was ended: %v", pump.why)
	}
}
