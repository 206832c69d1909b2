package admission

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	"pumpd/server/clock"
	"pumpd/server/config"
)

var home = netip.MustParseAddr("192.0.2.1")

// ask is for a viewer of stream 0, which declares 300 kbit/s in packets of 1400 bytes.
func ask() Ask { return Ask{From: home, Declared: 300e3, Packet: 1400} }

// fill lets viewers in until one is refused.
func fill(l *Ledger, a Ask) (in int, why Cause) {
	for {
		if _, why = l.Enter(a); why != None || in == 1000 {
			return in, why
		}
		in++
	}
}

func TestLimits(t *testing.T) {
	relay := ask()
	relay.Class = Relay
	tls := ask()
	tls.Class = TLS | IPv6
	padded := Ask{From: home, Declared: 300e3, Packet: 1500, Class: Padded}
	for _, c := range []struct {
		name   string
		limits Limits
		stream StreamLimits
		ask    Ask
		in     int
		why    Cause
	}{
		{"viewers", Limits{Viewers: 3}, StreamLimits{}, ask(), 3, Viewers},
		{"one", Limits{Viewers: 1}, StreamLimits{}, ask(), 1, Viewers},
		{"one, and a share that is less than one", Limits{Viewers: 1, Kept: 2500}, StreamLimits{}, ask(), 1, Viewers},
		{"bandwidth", Limits{Bandwidth: 1e6}, StreamLimits{}, ask(), 3, Bandwidth},
		{"bandwidth, to the bit", Limits{Bandwidth: 900e3}, StreamLimits{}, ask(), 3, Bandwidth},
		{"bandwidth, one bit less", Limits{Bandwidth: 900e3 - 1}, StreamLimits{}, ask(), 2, Bandwidth},
		// 300e3 × (1400+12+52) / 1400 = 313,714 bit/s of 19 Mbit/s.
		{"the line", Limits{Line: 20e6, LineReserve: 500}, StreamLimits{}, ask(), 60, Uplink},
		{"the line, all of it", Limits{Line: 20e6}, StreamLimits{}, ask(), 63, Uplink},
		// 300e3 × (1400+12+22+2×72) / 1400: with TLS a packet is more than one segment.
		{"the line, TLS over IPv6", Limits{Line: 20e6}, StreamLimits{}, tls, 59, Uplink},
		{"the line, packets of two segments", Limits{Line: 20e6}, StreamLimits{}, padded, 61, Uplink},
		{"one address", Limits{PerOrigin: 2, Viewers: 3}, StreamLimits{}, ask(), 2, PerIP},
		{"viewers of the stream", Limits{Viewers: 5}, StreamLimits{Viewers: 4}, ask(), 4, StreamViewers},
		{"bandwidth of the stream", Limits{}, StreamLimits{Bandwidth: 700e3}, ask(), 2, StreamBandwidth},
		{"a rate that is configured", Limits{Bandwidth: 1e6}, StreamLimits{Bitrate: 100e3}, ask(), 10, Bandwidth},
		{"what is kept for relays", Limits{Viewers: 8, Kept: 2500}, StreamLimits{}, ask(), 6, Relays},
		{"a relay", Limits{Viewers: 8, Kept: 2500}, StreamLimits{}, relay, 8, Viewers},
		{"no header yet", Limits{Bandwidth: 1e6, Viewers: 9}, StreamLimits{}, Ask{From: home}, 9, Viewers},
	} {
		l := New()
		l.SetLimits(c.limits)
		l.SetStream(0, c.stream)
		if in, why := fill(l, c.ask); in != c.in || why != c.why {
			t.Errorf("%s: %d are in and %v, want %d and %v", c.name, in, why, c.in, c.why)
		}
		if why := l.Ask(c.ask); why != c.why {
			t.Errorf("%s: a Describe gets %v, want %v", c.name, why, c.why)
		}
	}
}

// Relays that are there already take what is kept for them first.
func TestKeptForRelays(t *testing.T) {
	l := New()
	l.SetLimits(Limits{Viewers: 8, Kept: 2500})
	relay := ask()
	relay.Class = Relay
	for range 3 {
		l.Enter(relay)
	}
	if in, why := fill(l, ask()); in != 5 || why != Viewers {
		t.Errorf("%d viewers beside three relays and %v, want 5 and %v", in, why, Viewers)
	}
}

func TestFillDrainFill(t *testing.T) {
	l := New()
	l.SetLimits(Limits{Viewers: 50, Line: 20e6, PerOrigin: 50})
	for range 3 {
		var seats []Seat
		for {
			s, why := l.Enter(ask())
			if why != None {
				break
			}
			seats = append(seats, s)
		}
		if len(seats) != 50 {
			t.Fatalf("%d are in, want 50", len(seats))
		}
		for _, s := range seats {
			l.Leave(s, 0, home)
		}
		if v := l.View(); v.Viewers != 0 || v.Bandwidth != 0 || v.Line != 0 || len(l.from) != 0 {
			t.Fatalf("empty: %+v, %d origins", v, len(l.from))
		}
	}
	l.Leave(0, 0, home) // no seat
	if v := l.View(); v.Viewers != 0 {
		t.Errorf("no seat was given back: %d viewers", v.Viewers)
	}
}

// The account of a stream that is no more goes with the last of its viewers.
func TestForget(t *testing.T) {
	l := New()
	l.SetLimits(Limits{Viewers: 5})
	seat, _ := l.Enter(ask())
	l.Forget(0)
	if v := l.View(); v.Viewers != 1 || len(v.Streams) != 1 {
		t.Errorf("one still watches: %+v", v)
	}
	l.Leave(seat, 0, home)
	if v := l.View(); v.Viewers != 0 || v.Line != 0 || len(v.Streams) != 0 {
		t.Errorf("nobody watches any more: %+v", v)
	}
	l.SetStream(1, StreamLimits{})
	l.Forget(1)
	if n := len(l.View().Streams); n != 0 {
		t.Errorf("%d streams", n)
	}
}

// Who was on the way to a stream when it was forgotten leaves nothing behind, let in or not.
func TestForgetBeforeAViewerEnters(t *testing.T) {
	l := New()
	l.SetLimits(Limits{Viewers: 1})
	l.SetStream(0, StreamLimits{})
	l.Forget(0)
	seat, why := l.Enter(ask())
	if v := l.View(); why != None || v.Viewers != 1 {
		t.Fatalf("%v: %+v", why, v)
	}
	l.Leave(seat, 0, home)
	l.Ask(ask())
	l.Measure(0, Sample{Declared: 300e3, Packet: 1400})
	full, _ := l.Enter(Ask{Stream: 1, From: home})
	l.Enter(ask()) // is refused
	l.Leave(full, 1, home)
	if v := l.View(); v.Viewers != 0 || v.Line != 0 || len(v.Streams) != 0 {
		t.Errorf("nobody watches any more: %+v", v)
	}
}

// A stream that costs more than before ends nobody, and lets nobody in until enough have left.
func TestDearerStream(t *testing.T) {
	l := New()
	l.SetLimits(Limits{Bandwidth: 900e3})
	var seat Seat
	for range 3 {
		seat, _ = l.Enter(ask())
	}
	dear := ask()
	dear.Declared = 400e3
	if why := l.Ask(dear); why != Bandwidth {
		t.Errorf("the limit is passed by what is there: %v", why)
	}
	if v := l.View(); v.Viewers != 3 || v.Bandwidth != 1200e3 || v.Headroom != 0 {
		t.Errorf("%+v, want all three at what they cost now", v)
	}
	l.Leave(seat, 0, home)
	if _, why := l.Enter(dear); why != Bandwidth {
		t.Errorf("two at 400 kbit/s and one more: %v", why)
	}
	l.Leave(seat, 0, home)
	if _, why := l.Enter(dear); why != None {
		t.Errorf("one at 400 kbit/s and one more: %v", why)
	}
}

func TestLine(t *testing.T) {
	l := New()
	if committed, free := l.Line(); committed != 0 || free != Unlimited {
		t.Errorf("nobody knows the line: %d taken, %d free", committed, free)
	}
	l.SetUplink(10e6) // "auto"
	l.Reserve(1e6)
	l.Enter(ask())
	if committed, free := l.Line(); committed != 1e6+313714 || free != 10e6-committed {
		t.Errorf("%d taken, %d free", committed, free)
	}
	l.SetLimits(Limits{Line: 5e6, LineReserve: 1000})
	if _, free := l.Line(); free != 4500e3-1e6-313714 {
		t.Errorf("the line of the configuration is thinner: %d free", free)
	}
	l.SetUplink(1e6)
	if _, free := l.Line(); free != 900e3-1e6-313714 {
		t.Errorf("the line that is measured is thinner: %d free", free)
	}
	l.Reserve(-1e6)
	l.Shut(Line, true)
	if why := l.Ask(ask()); why != Line {
		t.Errorf("the line is full: %v", why)
	}
	if v := l.View(); v.Headroom != 0 || v.Shut != Line || v.Streams[0].Refused[Line] != 1 {
		t.Errorf("the line is full: %+v", v)
	}
	l.Shut(Line, false)
	if why := l.Ask(ask()); why != None {
		t.Errorf("the line is free again: %v", why)
	}
}

func TestHeadroom(t *testing.T) {
	l := New()
	if v := l.View(); v.Headroom != Unlimited {
		t.Errorf("%d without a limit", v.Headroom)
	}
	l.SetLimits(Limits{Bandwidth: 10e6, Viewers: 30, Kept: 1000})
	l.SetStream(1, StreamLimits{Viewers: 2})
	cheap := ask()
	cheap.Stream, cheap.Declared = 1, 100e3
	l.Enter(cheap)
	l.Enter(ask())
	v := l.View()
	// 9 Mbit/s but for what the two take, at 300 kbit/s; 27 viewers but for two.
	if v.Headroom != 25 || v.Streams[0].Headroom != 25 || v.Streams[1].Headroom != 1 {
		t.Errorf("%d, of the streams %d and %d, want 25, 25 and 1", v.Headroom, v.Streams[0].Headroom, v.Streams[1].Headroom)
	}
}

// Whatever loops, rates and reloads do at the same time, nobody comes in over a limit, and when all have left nothing
// is taken.
func TestLedgerUnderConcurrency(t *testing.T) {
	const streams, loops, steps = 3, 6, 3000
	l := New()
	limits := Limits{Viewers: 40, Bandwidth: 9e6, PerOrigin: 15, Line: 12e6, LineReserve: 500, Kept: 1000}
	l.SetLimits(limits)
	l.SetStream(1, StreamLimits{Viewers: 12})
	var wg sync.WaitGroup
	for id := range loops {
		wg.Go(func() { randomLoop(t, l, rand.New(rand.NewPCG(uint64(id), 1)), streams, steps) })
	}
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(99, 1))
		for i := range steps {
			l.Measure(rnd.IntN(streams), Sample{Declared: rnd.Int64N(500e3), Packet: 300 + rnd.IntN(3000),
				Bytes: uint64(i) * 40e3, Packets: uint64(i) * 30, At: clock.Instant(i) * 1e9})
			if i%10 == 0 {
				limits.Viewers, limits.Kept = 1+rnd.Int64N(60), config.Share(rnd.IntN(5000))
				l.SetLimits(limits)
				l.SetUplink(rnd.Int64N(20e6))
				l.SetStream(2, StreamLimits{Bandwidth: rnd.Int64N(5e6), Bitrate: rnd.Int64N(2) * 250e3})
			}
		}
	})
	wg.Wait()
	v := l.View()
	if v.Viewers != 0 || v.Bandwidth != 0 || v.Line != 0 || l.relays != (usage{}) || len(l.from) != 0 {
		t.Errorf("all have left: %+v, relays %+v, %d origins", v, l.relays, len(l.from))
	}
	for i, a := range l.streams {
		if a.all != (usage{}) || a.relays != (usage{}) || a.count != (Counts{}) {
			t.Errorf("all have left stream %d: %+v, %+v", i, a.all, a.count)
		}
	}
}

// randomLoop lets viewers in and out, and all out in the end.
func randomLoop(t *testing.T, l *Ledger, rnd *rand.Rand, streams, steps int) {
	type viewer struct {
		seat Seat
		ask  Ask
	}
	var in []viewer
	leave := func(i int) {
		l.Leave(in[i].seat, in[i].ask.Stream, in[i].ask.From)
		in[i] = in[len(in)-1]
		in = in[:len(in)-1]
	}
	for range steps {
		switch a := (Ask{Stream: rnd.IntN(streams), From: netip.AddrFrom4([4]byte{10, 0, 0, byte(rnd.IntN(4))}),
			Class: Class(rnd.IntN(classes)), Declared: 100e3 * (1 + rnd.Int64N(4)), Packet: 1400}); {
		case rnd.IntN(10) == 0:
			l.Ask(a)
		case len(in) > 0 && rnd.IntN(2) == 0:
			leave(rnd.IntN(len(in)))
		default:
			if s, why := l.enterChecked(t, a); why == None {
				in = append(in, viewer{s, a})
			}
		}
	}
	for len(in) > 0 {
		leave(len(in) - 1)
	}
}

// enterChecked is Enter, and looks at all limits before anybody else can change them.
func (l *Ledger) enterChecked(t *testing.T, a Ask) (Seat, Cause) {
	s, why := l.Enter(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range []int64{l.all.viewers, l.all.bits, l.all.line, l.relays.viewers, int64(l.from[a.From])} {
		if n < 0 {
			t.Errorf("%+v, relays %+v, %d of one origin: less than nothing", l.all, l.relays, l.from[a.From])
		}
	}
	return s, why
}

// With limits and costs that stay, what is taken is never over a limit, at no moment.
func TestLimitsHoldExactly(t *testing.T) {
	l := New()
	limits := Limits{Viewers: 23, Bandwidth: 6e6, Line: 6e6, PerOrigin: 9}
	l.SetLimits(limits)
	l.SetStream(1, StreamLimits{Viewers: 5, Bandwidth: 1e6})
	var wg sync.WaitGroup
	for id := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(id), 2))
			for range 2000 {
				a := ask()
				a.Stream, a.From = rnd.IntN(2), netip.AddrFrom4([4]byte{10, 0, 0, byte(rnd.IntN(3))})
				s, _ := l.enterChecked(t, a)
				v := l.View()
				one := v.Streams[a.Stream]
				if v.Viewers > limits.Viewers || v.Bandwidth > limits.Bandwidth || v.Line > limits.Line ||
					one.Limits.Viewers > 0 && one.Viewers > one.Limits.Viewers {
					t.Errorf("over a limit: %+v", v)
				}
				l.Leave(s, a.Stream, a.From)
			}
		})
	}
	wg.Wait()
}

func TestEnterDoesNotAllocate(t *testing.T) {
	l := New()
	l.SetLimits(Limits{Viewers: 10, Bandwidth: 1e9, Line: 1e9, PerOrigin: 5, Kept: 100})
	l.Enter(ask())
	if n := testing.AllocsPerRun(100, func() {
		s, _ := l.Enter(ask())
		l.Leave(s, 0, home)
	}); n != 0 {
		t.Errorf("%v allocations for each that comes and goes", n)
	}
}

// BenchmarkEnterLeave has the same cost however many are in: the figure of the second must be that of the first.
func BenchmarkEnterLeave(b *testing.B) {
	for _, c := range []struct {
		name   string
		inside int
	}{{"empty", 0}, {"100000 inside", 100_000}} {
		b.Run(c.name, func(b *testing.B) {
			l := New()
			l.SetLimits(Limits{Viewers: math.MaxInt32, Bandwidth: 1e15, Line: 1e15, PerOrigin: 1000, Kept: 100})
			l.SetStream(0, StreamLimits{Viewers: math.MaxInt32, Bandwidth: 1e15})
			a := ask()
			for i := range c.inside {
				a.From = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
				l.Enter(a)
			}
			b.ReportAllocs()
			for b.Loop() {
				s, _ := l.Enter(a)
				l.Leave(s, 0, a.From)
			}
		})
	}
}
