package server

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/stream"
)

func slated(c *config.Config) {
	c.Streams[0].Slate, c.Streams[0].SlateAfter = config.SlateBuiltin, config.Duration(3*time.Second)
	c.Timeouts.SourceIdle = config.Duration(60 * time.Second)
}

// A slateFeeder is a slate that the test plays; its packets have numbers from 1,000,000 on and another clock.
type slateFeeder struct {
	*feeder
	asked bool // to let go
}

// slate claims the stream as a slate does; nil if somebody feeds it.
func (r *rig) slate(width uint32) *slateFeeder {
	r.t.Helper()
	f := &slateFeeder{}
	src := r.reg.Streams()[0].ClaimVacant(
		stream.Claim{Kind: stream.Slate, Who: "slate", Evict: func() { f.asked = true }}, 3*time.Second)
	if src == nil {
		return nil
	}
	f.feeder = &feeder{rig: r, src: src, next: 1_000_000}
	f.header(width)
	src.Follow(stream.TieOther)
	return f
}

// steps are the differences of the send times of a raw viewer's packets.
func (r *rig) steps(p *peer) (list []time.Duration) {
	r.t.Helper()
	h := r.reg.Streams()[0].Up().Gen.Header()
	var last uint32
	for b := p.body()[len(h.Raw):]; len(b) > 0; b = b[asftest.PacketSize:] {
		at, err := h.ParsePacket(b[:asftest.PacketSize])
		if err != nil {
			r.t.Fatal(err)
		}
		list, last = append(list, time.Duration(int32(at.SendTime-last))*time.Millisecond), at.SendTime
	}
	return list[1:]
}

// An encoder that relieves a slate has another clock than that, wherever it stands: what viewers see is a gap as long
// as they have waited.
func TestPushRelievesSlateWithSameHeader(t *testing.T) {
	for _, next := range []uint32{0, 50 * 20, 1_000_060, 1_000_000 + 25*300} { // behind; about there; 5 minutes ahead
		r := newRig(t, slated, "a")
		r.pass(4 * time.Second)
		slate := r.slate(320)
		slate.publish(20)
		p, raw := r.watch("a", ffmpegAgent), r.watch("a", curlAgent)
		e := startedPush(r)
		e.next = next + 5
		e.push(5)
		if slate.asked {
			t.Fatal("the slate was ended before there was a key frame")
		}
		e.push(1)
		if !slate.asked {
			t.Fatal("the slate was not ended at the key frame")
		}
		slate.src.Yield()
		r.turn()
		e.push(9)
		want := append(numbers(1_000_000, 1_000_020), numbers(next+10, next+20)...)
		if got := r.read(p.body()); got.headers != 1 || !slices.Equal(got.numbers, want) {
			t.Errorf("from %d: %+v, want %v", next, got, want)
		}
		for i, step := range r.steps(raw) {
			if long := 40*time.Millisecond + 6*40*time.Millisecond; step != 40*time.Millisecond && (i != 19 || step != long) {
				t.Errorf("from %d: step %d is %v", next, i, step)
			}
		}
	}
}

// An encoder that is connected and silent makes way for the slate, and has the stream again at its next key frame.
func TestSilentPushMakesWayForSlate(t *testing.T) {
	r := newRig(t, slated, "a")
	e := startedPush(r)
	e.push(15)
	p := r.watch("a", ffmpegAgent)
	r.pass(2 * time.Second)
	r.turn()
	if r.slate(320) != nil {
		t.Fatal("the slate plays before slate_after")
	}
	r.pass(time.Second)
	r.turn()
	slate := r.slate(320)
	if slate == nil {
		t.Fatal("no slate beside an encoder that is silent for slate_after")
	}
	slate.publish(20)
	e.push(5)
	if slate.asked {
		t.Fatal("the slate was ended before there was a key frame")
	}
	e.push(1)
	slate.src.Yield()
	r.turn()
	e.push(4)
	want := slices.Concat(numbers(0, 15), numbers(1_000_000, 1_000_020), numbers(20, 25))
	if got := r.read(p.body()); got.headers != 1 || !slices.Equal(got.numbers, want) {
		t.Errorf("%+v, want %v", got, want)
	}
	if len(e.got) > 0 || e.fin {
		t.Errorf("the encoder was told %q, FIN %v", e.got, e.fin)
	}
	r.pass(61 * time.Second)
	r.turn()
	if !strings.Contains(e.status(), "408") {
		t.Errorf("after source_idle: %q, want 408", e.status())
	}
}

// Where no slate came meanwhile, nothing is left out and no time moved.
func TestSilentPushGoesOn(t *testing.T) {
	r := newRig(t, slated, "a")
	e := startedPush(r)
	e.push(15)
	p, raw := r.watch("a", ffmpegAgent), r.watch("a", curlAgent)
	r.pass(3500 * time.Millisecond)
	r.turn()
	if st := r.reg.Streams()[0]; st.State() != stream.Orphaned {
		t.Fatalf("a stream whose encoder is silent is %s", st.State())
	}
	e.push(10)
	if got := r.read(p.body()); got.headers != 1 || !slices.Equal(got.numbers, numbers(0, 25)) {
		t.Errorf("%+v, want all packets", got)
	}
	for i, step := range r.steps(raw) {
		if step != 40*time.Millisecond {
			t.Errorf("step %d is %v", i, step)
		}
	}
	if st := r.reg.Streams()[0]; st.State() != stream.Live {
		t.Errorf("the stream is %s", st.State())
	}
}

// An encoder that wakes up when another one has the stream has lost it.
func TestSilentPushIsReplaced(t *testing.T) {
	r := newRig(t, slated, "a")
	old := startedPush(r)
	old.push(15)
	r.pass(4 * time.Second)
	r.turn()
	young := startedPush(r)
	young.push(15)
	old.push(10)
	if !strings.Contains(old.status(), "409") || !old.fin || young.fin {
		t.Errorf("the old encoder was told %q, FIN %v; the young one FIN %v", old.status(), old.fin, young.fin)
	}
	if own := r.reg.Streams()[0].Writer(); own == nil || own != young.conn.push.source {
		t.Error("the young encoder does not have the stream")
	}
}

// So has one that has an heir when it falls silent.
func TestSilentPushLeavesToItsHeir(t *testing.T) {
	r := newRig(t, slated, "a")
	old := startedPush(r)
	old.push(15)
	young := r.encoder()
	young.setUp()
	young.start(endless)
	r.pass(4 * time.Second)
	young.header(320) // the loop is told to evict the old one, and looks after it before it hears that
	old.conn.push.yieldToSlate(old.conn, r.at)
	r.turn()
	young.push(1)
	if own := r.reg.Streams()[0].Writer(); own == nil || own != young.conn.push.source || !old.fin {
		t.Errorf("owner %+v, the old encoder's FIN %v; want the young one", own, old.fin)
	}
}

// A packet every two seconds is not silence.
func TestSlowPushIsNotSilent(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		slated(c)
		c.Streams[0].SlateAfter = config.Duration(time.Second)
	}, "a")
	e := startedPush(r)
	for i := range 20 {
		e.push(1)
		for range 10 {
			r.pass(196 * time.Millisecond)
			r.turn()
			if i > 8 && r.reg.Streams()[0].Writer() == nil { // in the beginning nobody knows its pace
				t.Fatalf("a slow encoder was taken for a silent one after packet %d", i)
			}
		}
	}
}
