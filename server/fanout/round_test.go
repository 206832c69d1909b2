package fanout

import (
	"encoding/binary"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

func TestViewersOfEachDialectGetEveryPacket(t *testing.T) {
	for _, agent := range []string{ffmpegAgent, vlcAgent, wmpAgent, "NSServer/9.1", "NSServer/4.1", "NSPlayer"} {
		r := newRig(t, nil)
		f := r.feeder(320)
		f.publish(25)
		p := r.watch(agent)
		for range 10 {
			f.publish(3)
			r.turn()
		}
		got := r.read(p.body())
		if want := numbers(0, 55); got.headers != 1 || !slices.Equal(got.numbers, want) {
			t.Errorf("%s: %d headers, packets %v, want 1 and %v", agent, got.headers, got.numbers, want)
		}
	}
}

func TestRawViewerGetsHeaderAndFullPackets(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(5)
	p := r.watch(curlAgent)
	f.publish(5)
	r.turn()
	b := p.body()
	h := r.stream.Up().Gen.Header().Raw
	if string(b[:len(h)]) != string(h) {
		t.Fatal("the header is not the published one")
	}
	b = b[len(h):]
	if len(b) != 10*asftest.PacketSize {
		t.Fatalf("%d bytes of packets, want %d", len(b), 10*asftest.PacketSize)
	}
	for i := range uint32(10) {
		want := asftest.Packet(i, i*40, i%10 == 0, asftest.PacketSize, 500)
		if string(b[:asftest.PacketSize]) != string(want) {
			t.Fatalf("packet %d: %x, want %x", i, b[:asftest.PacketSize], want)
		}
		b = b[asftest.PacketSize:]
	}
}

// Burst: a newcomer starts at the oldest key frame inside it, or else at the newest.
func TestJoinPoint(t *testing.T) {
	for burst, want := range map[time.Duration]uint32{0: 190, 300 * time.Millisecond: 190, time.Second: 180,
		3 * time.Second: 130} {
		r := newRig(t, func(c *config.Config) { c.Server.Burst = config.Burst{Length: config.Duration(burst)} })
		f := r.feeder(320)
		f.publish(200)
		got := r.read(r.watch(ffmpegAgent).body())
		if len(got.numbers) == 0 || got.numbers[0] != want {
			t.Errorf("burst %v: starts with %v, want %d", burst, got.numbers[:min(1, len(got.numbers))], want)
		}
	}
}

func TestNothingIsPublishedBeforeTheFirstKeyFrame(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.next = 7
	f.publish(3)
	if st := r.stream; st.Up() != nil || st.State() != stream.Idle {
		t.Errorf("up before there is a picture, %v", st.State())
	}
	f.publish(1)
	p := r.watch(ffmpegAgent)
	f.publish(2)
	r.turn()
	if got, want := r.read(p.body()).numbers, numbers(10, 13); !slices.Equal(got, want) {
		t.Errorf("packets %v, want %v", got, want)
	}
}

// A socket that takes odd amounts cuts frames at every place; the viewer must get the same bytes in the end.
func TestPartialSends(t *testing.T) {
	for _, agent := range []string{ffmpegAgent, curlAgent} {
		for room := 1; room < 1100; room += 13 {
			r := newRig(t, nil)
			f := r.feeder(320)
			f.publish(3)
			free, tight := r.watch(agent), r.watchIn(agent, room)
			for range 30 {
				f.publish(1)
				r.turn()
				tight.room = room
			}
			tight.room = plenty
			r.turn()
			got, want := string(tight.body()), string(free.body())
			if got != want {
				t.Fatalf("%s, %d bytes at a time: %d bytes in all, want the %d of the other viewer", agent, room, len(got),
					len(want))
			}
		}
	}
}

func TestSlowViewerSkipsToTheNewestKeyFrame(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	p := r.watch(ffmpegAgent)
	p.room = 0
	for range 400 { // 16 s
		f.publish(1)
		r.turn()
	}
	p.room = plenty
	r.turn()
	f.publish(5)
	r.turn()
	got := r.read(p.body()).numbers
	if got[0] != 0 || got[len(got)-1] != f.next-1 || len(got) > 300 {
		t.Errorf("%d packets from %d to %d; want some left out between 0 and %d", len(got), got[0], got[len(got)-1], f.next-1)
	}
	for i := 1; i < len(got); i++ {
		if got[i] != got[i-1]+1 && got[i]%10 != 0 {
			t.Errorf("after packet %d comes %d, which is not a key frame", got[i-1], got[i])
		}
	}
	if n := r.stream.Stats().Skips.Load(); n == 0 {
		t.Error("no skip was counted")
	}
}

func TestStalledViewerIsCut(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	p, other := r.watch(ffmpegAgent), r.watch(ffmpegAgent)
	p.room = 0
	for range 530 { // 21.2 s
		f.publish(1)
		r.turn()
	}
	if !p.gone || !p.reset {
		t.Error("a viewer that took nothing for 21 s is still there")
	}
	if n := r.stream.Stats().Left[reason.Stalled].Load(); n != 1 || other.gone {
		t.Errorf("%d viewers left as stalled, want 1, and the other stays", n)
	}
}

func TestFailedSend(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	p := r.watch(ffmpegAgent)
	p.errno = syscall.EPIPE
	f.publish(1)
	r.turn()
	if n := r.stream.Stats().Viewers.Load(); n != 0 || !p.gone || p.reset {
		t.Errorf("%d viewers, closed %v, reset %v, want 0, true, false", n, p.gone, p.reset)
	}
}

func TestHangUpInsideARound(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	a, b, c := r.watch(ffmpegAgent), r.watch(ffmpegAgent), r.watch(ffmpegAgent)
	f.publish(1)
	b.onSend = func() {
		b.onSend, b.errno = nil, syscall.ECONNRESET
		b.hangUp()
	}
	r.turn()
	f.publish(1)
	r.turn()
	for _, p := range []*peer{a, c} {
		if got := r.read(p.body()).numbers; !slices.Equal(got, numbers(0, 3)) {
			t.Errorf("packets %v, want %v", got, numbers(0, 3))
		}
	}
	if n := len(r.hub.audiences[0].viewers); n != 2 {
		t.Errorf("%d viewers, want 2", n)
	}
}

func TestEndOfTheSource(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	mmsh, raw := r.watch(ffmpegAgent), r.watch(curlAgent)
	f.publish(3)
	f.src.End()
	r.turn()
	if got := r.read(mmsh.body()); got.ended != 0 || !slices.Equal(got.numbers, numbers(0, 4)) {
		t.Errorf("MMSH: $E %d after %v, want 0 after %v", got.ended, got.numbers, numbers(0, 4))
	}
	if !mmsh.fin || !raw.fin {
		t.Error("no FIN after the end")
	}
	if r.stream.Up() != nil {
		t.Error("the stream is up without a source")
	}
	f.src = r.source()
	f.header(320)
	f.publish(1)
	f.next = 10
	f.publish(2)
	if got := r.read(r.watch(ffmpegAgent).body()).numbers; len(got) != 2 || got[0] != 10 {
		t.Errorf("after a new source: %v, want 10 and 11", got)
	}
}

// What each dialect gets when the header changes, mmsh.md §9.
func TestHeaderChange(t *testing.T) {
	for _, c := range []struct {
		agent   string
		headers int
		packets int
		ended   int64 // reason of $E, which FIN follows; -1: none does
	}{
		{wmpAgent, 2, 20, -1},
		{"NSPlayer/7.1.0.3055", 2, 20, -1},
		{"NSServer/9.1", 2, 20, -1},
		{"NSPlayer/7.10.0.3059 x", 1, 10, 0},
		{vlcAgent, 1, 10, 0},
		{ffmpegAgent, 1, 10, 1},
		{curlAgent, 0, 0, -1},
	} {
		r := newRig(t, nil)
		f := r.feeder(320)
		f.publish(10)
		p := r.watch(c.agent)
		playlist := p.viewer.dialect.InBand()
		f.header(640)
		f.publish(10)
		r.turn()
		if c.agent == curlAgent {
			if h := f.src.Stream().Up().Gen.Header().Raw; len(p.body()) != len(h)+10*asftest.PacketSize || !p.fin {
				t.Errorf("raw: %d bytes, FIN %v, want the first generation and FIN", len(p.body()), p.fin)
			}
			continue
		}
		got := r.read(p.body())
		if got.headers != c.headers || got.ended != c.ended || !slices.Equal(got.numbers, numbers(0, uint32(c.packets))) {
			t.Errorf("%s: %+v, want %d headers, the first %d packets, $E %d", c.agent, got, c.headers, c.packets, c.ended)
		}
		if stays := c.ended < 0; p.fin == stays || playlist != stays {
			t.Errorf("%s: FIN %v, told of $C %v, want %v and %v", c.agent, p.fin, playlist, !stays, stays)
		}
	}
}

// A reason other than 0 makes players ask again, so it must not be sent where there is nothing to ask for: mmsh.md §9.
func TestHeaderChangeThatIsOverAtOnce(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(10)
	p := r.watch(ffmpegAgent)
	f.header(640)
	f.publish(1)
	f.src.End()
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || !p.fin {
		t.Errorf("$E(%d), FIN %v, want $E(0) and FIN", got.ended, p.fin)
	}
}

func TestLostSource(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(15)
	p := r.watch(ffmpegAgent)
	f.src.Lost(syscall.ECONNRESET)
	r.pass(20 * time.Second)
	r.reg.Reap(r.at)
	r.turn()
	late := r.watch(ffmpegAgent)
	f.src = r.source()
	f.header(320) // the same
	f.publish(10)
	r.turn()
	want := append(numbers(0, 15), numbers(20, 25)...) // on from the next key frame
	for _, p := range []*peer{p, late} {
		if got := r.read(p.body()); !slices.Equal(got.numbers, want) || got.headers != 1 {
			t.Errorf("packets %v of %d headers, want %v of 1", got.numbers, got.headers, want)
		}
	}
	f.src.Lost(syscall.ECONNRESET)
	r.pass(31 * time.Second)
	r.reg.Reap(r.at)
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || !p.fin {
		t.Errorf("after the grace: $E %d, FIN %v, want 0 and true", got.ended, p.fin)
	}
}

// An upstream that has said $E has a few seconds to come back.
func TestEndedUpstream(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(15)
	p := r.watch(ffmpegAgent)
	f.src.Over()
	f.src.Lost(io.EOF)
	for _, c := range []struct {
		pass time.Duration
		want int64
	}{{5*time.Second - 1, -1}, {1, 0}} {
		r.pass(c.pass)
		r.reg.Reap(r.at)
		r.turn()
		if got := r.read(p.body()); got.ended != c.want {
			t.Errorf("%v later: $E %d, want %d", c.pass, got.ended, c.want)
		}
	}
}

func TestSendTimeJump(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.next = 500
	f.publish(10)
	p := r.watch(wmpAgent)
	f.next = 0
	f.publish(10)
	r.turn()
	got := r.read(p.body())
	if got.headers != 2 || !slices.Equal(got.numbers, append(numbers(500, 510), numbers(0, 10)...)) {
		t.Errorf("%+v, want a new generation where the send time goes back", got)
	}
}

// An encoder that was restarted begins at 0 again; its viewers see a gap as long as it was away.
func TestRestartedEncoderKeepsTheClock(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.next = 1000
	f.publish(10) // the last at 40,360 ms
	raw := r.watch(curlAgent)
	for range 3 {
		f.src.Lost(syscall.ECONNRESET)
		r.pass(2 * time.Second)
		f.src = r.source()
		f.header(320)
		f.next = 0
		f.publish(20)
		r.turn()
	}
	b := raw.body()
	b = b[len(r.stream.Up().Gen.Header().Raw):]
	if len(b) != 70*asftest.PacketSize {
		t.Fatalf("%d packets, want 70", len(b)/asftest.PacketSize)
	}
	var last uint32 = 39_960
	for i := range 70 {
		p, err := r.stream.Header().ParsePacket(b[i*asftest.PacketSize:][:asftest.PacketSize])
		if err != nil {
			t.Fatal(err)
		}
		want := last + 40
		if i >= 10 && i%20 == 10 {
			want = last + 2040
		}
		if p.SendTime != want || binary.LittleEndian.Uint32(b[i*asftest.PacketSize+25:]) != want+3000 {
			t.Errorf("packet %d: send time %d, want %d", i, p.SendTime, want)
		}
		last = p.SendTime
	}
}

// A pump that is back at its upstream gets a burst of what it has already passed on.
func TestPullThatComesBack(t *testing.T) {
	for _, c := range []struct {
		name string
		from uint32 // first packet of the burst
		want []uint32
	}{
		{"burst of the same packets", 120, numbers(100, 180)},
		{"burst that reaches back before ours", 90, numbers(100, 180)},
		{"nothing missed", 150, numbers(100, 180)},
		{"some missed", 155, append(numbers(100, 150), numbers(160, 180)...)},
	} {
		r := newRig(t, nil)
		f := r.feeder(320)
		f.next = 100
		f.publish(50)
		p := r.watch(ffmpegAgent)
		f.src.Lost(syscall.ECONNRESET)
		f.src = r.sourceOf(stream.Pull)
		f.header(320)
		for f.next = c.from; f.next < 180; f.next++ { // all at once
			f.src.Packet(asftest.Packet(f.next, f.next*40, f.next%10 == 0, asftest.PacketSize, 500))
		}
		r.turn()
		if got := r.read(p.body()); got.headers != 1 || !slices.Equal(got.numbers, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got.numbers, c.want)
		}
	}
}

func TestRoundAllocatesNothing(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(1)
	var peers []*peer
	for range 100 {
		p := r.watch(ffmpegAgent)
		p.got = make([]byte, 0, 1<<20)
		peers = append(peers, p)
	}
	var elements [][]byte
	for range 200 {
		elements = append(elements, asftest.Packet(f.next, f.next*40, false, asftest.PacketSize, 500))
		f.next++
	}
	i := 0
	publish := func() {
		f.src.Packet(elements[i])
		i++
	}
	own := testing.AllocsPerRun(50, publish)
	both := testing.AllocsPerRun(50, func() {
		publish()
		r.hub.round(r.at)
		for _, p := range peers {
			p.got = p.got[:0]
		}
	})
	if both-own >= 1 {
		t.Errorf("a round to 100 viewers allocates %.1f times, want 0", both-own)
	}
}
