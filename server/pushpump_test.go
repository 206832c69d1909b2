package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// testVia is by what a push shows that it comes from a pump, which sends again what may have been lost.
const testVia = "Via: 1.0 pumpd-0123456789abcdef\r\n"

// resume sets up with a push-id that was given before, or "0".
func (e *encoder) resume(id, via string) {
	e.rig.t.Helper()
	e.post(setupType, id, 0, via)
	_, after, ok := strings.Cut(string(e.got), "push-id=")
	if !ok {
		e.rig.t.Fatalf("setup: %q", e.got)
	}
	e.id, _, _ = strings.Cut(after, "\r\n")
}

// sendFrom sends n packets again from a number on, and no time passes.
func (e *encoder) sendFrom(number uint32, n int) {
	for i := range uint32(n) {
		e.frame('D', asftest.Packet(number+i, (number+i)*40, (number+i)%10 == 0, asftest.PacketSize, 500))
	}
	e.rig.turn()
}

// A pump that lost its connection is told up to where its push is here. What it sends again is dropped, and the packet
// after that goes on, without a key frame: viewers notice nothing, whatever the old connection looks like.
func TestPumpResumes(t *testing.T) {
	for _, halfOpen := range []bool{false, true} {
		for _, from := range []uint32{5, 16, 17} {
			t.Run(fmt.Sprintf("half-open %v, from %d", halfOpen, from), func(t *testing.T) {
				r := newRig(t, nil, "a")
				e := r.encoder()
				e.resume("0", testVia)
				e.post(startType, e.id, endless, testVia)
				e.header(320)
				e.sendFrom(0, 10)
				p := r.watch("a", ffmpegAgent)
				r.pass(400 * time.Millisecond)
				e.sendFrom(10, 8)
				if !halfOpen {
					e.hangUp()
				}
				r.pass(3 * time.Second)
				again := r.encoder()
				again.resume(e.id, testVia)
				if again.id != e.id || !strings.Contains(string(again.got), fmt.Sprintf("push-time=%d\r\n", 17*40)) {
					t.Errorf("push-id %s, the next setup was told %q", e.id, again.got)
				}
				again.post(startType, e.id, endless, testVia)
				again.header(320)
				r.turn() // the old one goes
				again.sendFrom(from, int(30-from))
				if got := r.read(p.body()); !slices.Equal(got.numbers, numbers(0, 30)) {
					t.Errorf("packets %v, want %v", got.numbers, numbers(0, 30))
				}
				st := r.reg.Streams()[0]
				if n := st.Stats().Generations.Load(); n != 1 || st.Via() == nil || !strings.Contains(*st.Via(), "pumpd-") {
					t.Errorf("%d generations, Via %v", n, st.Via())
				}
			})
		}
	}
}

// An encoder whose clock begins anew is none that repeats, also where a pump pushes it on.
func TestPumpWithAnotherClock(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.resume("0", testVia)
	e.post(startType, e.id, endless, testVia)
	e.header(320)
	e.sendFrom(3000, 20)
	e.hangUp()
	r.pass(time.Second)
	again := r.encoder()
	again.resume("0", testVia)
	again.post(startType, again.id, endless, testVia)
	again.header(320)
	again.sendFrom(0, 20)
	if n := r.reg.Streams()[0].Stats().PacketsIn.Load(); n != 40 {
		t.Errorf("%d packets, want 40", n)
	}
}

// A plain encoder is told nothing that it does not know, and where it repeats a packet that is one.
func TestEncoderIsNoPump(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(12)
	e.hangUp()
	again := r.encoder()
	again.resume(e.id, "")
	if strings.Contains(string(again.got), "push-time") || again.id != e.id {
		t.Errorf("told %q", again.got)
	}
}

// A push that has come through this pump, or through too many, is refused.
func TestPushCircle(t *testing.T) {
	r := newRig(t, nil, "a")
	for _, via := range []string{
		"Via: 1.0 " + string(r.loop.node.name) + "\r\n",
		"Via: 1.0 pumpd-0123456789abcdef, 1.0 " + string(r.loop.node.name) + "\r\n",
		"Via: 1.0 x" + strings.Repeat(", 1.0 x", codec.MaxVia) + "\r\n",
	} {
		for kind, length := range map[string]int{setupType: 0, startType: endless} {
			e := r.encoder()
			e.post(kind, "0", length, via)
			if !strings.Contains(e.status(), "403") {
				t.Errorf("%s with %q: %q", kind, via, e.got)
			}
		}
	}
}

// Behind another address the password is asked for, and then the push-id is still good: the line of a pump that pushes
// on may get another one with each break.
func TestPumpMoves(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		c.Streams[0].PushUsers, c.Streams[0].PushFrom = []auth.Secret{"u:p"}, nil
	}, "a")
	const basic = testVia + "Authorization: Basic dTpw\r\n"
	e := r.encoder()
	e.resume("0", basic)
	e.post(startType, e.id, endless, testVia)
	e.header(320)
	e.sendFrom(0, 5)
	e.hangUp()
	moved := r.encoderAt("198.51.100.7")
	moved.post(setupType, e.id, 0, testVia)
	if !strings.Contains(moved.status(), "401") {
		t.Errorf("without a password: %q", moved.got)
	}
	moved.resume(e.id, basic)
	if moved.id != e.id {
		t.Errorf("push-id %s, want %s", moved.id, e.id)
	}
	moved.post(startType, moved.id, endless, testVia)
	moved.header(320)
	moved.sendFrom(4, 4)
	if st := r.reg.Streams()[0]; st.State() != stream.Live || st.Stats().PacketsIn.Load() != 8 {
		t.Errorf("%v, %d packets", st.State(), st.Stats().PacketsIn.Load())
	}
}

// Where a second encoder is refused, the same one is let in again though its old connection looks alive.
func TestPumpIsNoSecondEncoder(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].OnSecondPush = "refuse" }, "a")
	e := r.encoder()
	e.resume("0", testVia)
	e.post(startType, e.id, endless, testVia)
	e.header(320)
	e.sendFrom(0, 5)
	other := r.encoder()
	if other.post(setupType, "0", 0, testVia); !strings.Contains(other.status(), "409") {
		t.Errorf("another one: %q", other.got)
	}
	again := r.encoder()
	again.resume(e.id, testVia)
	again.post(startType, e.id, endless, testVia)
	again.header(320)
	r.turn()
	again.sendFrom(4, 4)
	if n := r.reg.Streams()[0].Stats().PacketsIn.Load(); n != 8 {
		t.Errorf("%d packets, want 8", n)
	}
}
