package fanout

import (
	"bytes"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A detour is the engine of a rig whose rounds go through a real Engine and real sockets before they arrive at the
// rig's peers. How much a socket takes is still for the peer to say: the real Engine is only given that much.
type detour struct {
	*rig
	real  Engine
	there map[*peer]cable
	back  map[*Viewer]*peer // by the viewers that the real Engine knows
	owed  map[*peer]*Viewer // has been sent to and not reported
	done  Reporter
}

// takeDetour puts a real Engine under a rig.
func (r *rig) takeDetour(real Engine) {
	r.hub.engine = &detour{rig: r, real: real, there: map[*peer]cable{}, back: map[*Viewer]*peer{},
		owed: map[*peer]*Viewer{}}
}

func (d *detour) Send(v *Viewer, b []byte, done Reporter) {
	p := d.peers[v.fd]
	if p.onSend != nil || p.errno != 0 || p.room == 0 || p.gone || p.fin {
		d.rig.Send(v, b, done)
		return
	}
	l, ok := d.there[p]
	if !ok {
		l = unixCable(d.t, 256<<10)
		d.there[p], d.back[l.v] = l, p
	}
	l.v.dialect = v.dialect
	if d.owed[p] != nil {
		d.t.Fatalf("descriptor %d: sent to twice in a round", v.fd)
	}
	n := min(len(b), p.room)
	p.room -= n
	d.owed[p], d.done = v, done
	d.real.Send(l.v, b[:n], d)
}

// sent brings what has come through the socket to the peer.
func (d *detour) Sent(real *Viewer, n int, errno syscall.Errno) {
	p := d.back[real]
	v := d.owed[p]
	if v == nil || errno != 0 {
		d.t.Fatalf("a report of %d bytes, %v, about a viewer that was not sent to, or had room", n, errno)
	}
	delete(d.owed, p)
	p.got = append(p.got, d.there[p].take(d.t, n)...)
	d.done.Sent(v, n, errno)
}

func (d *detour) Flush() {
	d.real.Flush()
	if len(d.owed) > 0 {
		d.t.Fatalf("%d sends were not reported when flush returned", len(d.owed))
	}
}

// rigCopies makes an engine copy some of the payloads that rigs have and refer to others.
const rigCopies = 400

// FuzzHubOnIOURing is FuzzHub with the rounds going through a real ring.
func FuzzHubOnIOURing(f *testing.F) {
	for _, s := range []string{
		"jjpppprpprjppprs", "pjkppprbpppppppruppppprwx", "pjjjhpprgpphpprejppppr", "pjvcpprtttppplpphpppjppr",
		"pjjvwcjjPrpprPr", "pjvwc\x90\x91\x92PrprPr\xA0\xA1pr", "pjjjjjjPrbprbpruprfprxpr",
	} {
		f.Add([]byte(s))
	}
	e := testURing(f)
	e.copied = rigCopies
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 100 {
			return
		}
		m := newMischief(t, "")
		m.takeDetour(e)
		m.play(script)
	})
}

// More viewers than a batch has, of all forms, some with little room: each gets exactly what a viewer gets that is
// alone.
func TestRoundsThroughEngines(t *testing.T) {
	agents := []string{ffmpegAgent, "NSServer/4.1", curlAgent}
	onEngines(t, func(t *testing.T, e Engine) {
		if u, ok := e.(*ringEngine); ok {
			u.copied = rigCopies
		}
		r := newRig(t, nil)
		r.takeDetour(e)
		f := r.feeder(320)
		f.publish(3)
		var peers []*peer
		for i := range batchSends + 50 {
			peers = append(peers, r.watch(agents[i%len(agents)]))
		}
		for i := range 12 {
			f.publish(1 + i%4)
			for j, p := range peers {
				p.room = plenty
				if (i+j)%10 == 0 {
					p.room = 700 + j
				}
			}
			r.turn()
		}
		for _, p := range peers {
			p.room = plenty
		}
		f.publish(1)
		r.turn()
		r.turn()
		if n := len(r.hub.engine.(*detour).there); n != len(peers) {
			t.Fatalf("%d of %d viewers were sent to by the engine", n, len(peers))
		}
		for i, p := range peers {
			if want := peers[i%len(agents)].body(); !bytes.Equal(p.body(), want) {
				t.Fatalf("viewer %d: %d bytes, want the %d of the first with its agent, or others", i, len(p.body()), len(want))
			}
			if agents[i%len(agents)] == curlAgent {
				continue
			}
			if got := r.read(p.body()).numbers; len(got) != int(f.next) {
				t.Fatalf("viewer %d: packets %v, want %d of them", i, got, f.next)
			}
		}
	})
}

// A descriptor may be closed as soon as flush has returned.
func TestNothingIsInFlightAfterFlush(t *testing.T) {
	onEngines(t, func(t *testing.T, e Engine) {
		b, _ := framesOf([]int{3000})
		for range 50 {
			l, got := unixCable(t, 64<<10), results{}
			near, err := unix.FcntlInt(uintptr(l.v.fd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			v := newCable(near, -1).v
			e.Send(v, b, got)
			e.Flush()
			unix.Close(near)
			if r := got[v]; r != (result{len(b), 0, 1}) || !bytes.Equal(l.take(t, len(b)), b) {
				t.Fatalf("%+v, want %d bytes", r, len(b))
			}
		}
	})
}
