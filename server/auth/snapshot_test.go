package auth

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/gobtest"
)

// Who has guessed waits in the process that goes on as if nothing was, and for as long.
func TestGuessersMove(t *testing.T) {
	now := clock.Instant(time.Hour)
	r := NewRecord(clock.Clock{})
	other := netip.MustParseAddr("2001:db8::7")
	r.Wrong(1, other, 0) // forgotten by now
	for range freeGuesses + 2 {
		r.Wrong(3, someAddr, now)
	}
	r.Wrong(3, other, now)
	to := NewRecord(clock.Clock{})
	list := gobtest.Passed(t, r.Guessers(now))
	if len(list) != 2 {
		t.Errorf("%v", list)
	}
	for _, g := range list {
		if err := to.Remember(g, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []netip.Addr{someAddr, other} {
		for stream := range 4 {
			for i := range 3 {
				want, wantOK := r.Turn(stream, who, now)
				if got, ok := to.Turn(stream, who, now); got != want || ok != wantOK {
					t.Errorf("turn %d of %v for stream %d is at %v, %v, want %v, %v", i, who, stream, got, ok, want, wantOK)
				}
			}
		}
	}
	if at, _ := to.Turn(3, someAddr, now); at == now {
		t.Error("nobody has to wait")
	}
}

// However many there are, no more are remembered than ever, the newest of them.
func TestGuessersAreBounded(t *testing.T) {
	r, to := NewRecord(clock.Clock{}), NewRecord(clock.Clock{})
	at := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 0x0a000000+uint32(i))))
	}
	const many = 2*maxGuessers + 100
	for i := range many {
		r.Wrong(0, at(i), 1)
	}
	list := r.Guessers(1)
	for _, g := range append(list, list[:maxGuessers/2]...) {
		if err := to.Remember(g, 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(to.brake.young) + len(to.brake.old); len(list) > 2*maxGuessers || n > 2*maxGuessers {
		t.Errorf("%d, and then %d guessers, limit %d", len(list), n, 2*maxGuessers)
	}
	if g := to.brake.of(guesser{0, NetworkOf(at(many - 1))}, 1); g.wrong != 1 {
		t.Error("the newest is forgotten")
	}
}

func TestRememberRefuses(t *testing.T) {
	now := clock.Instant(time.Hour)
	right := Guesser{Stream: 1, Network: NetworkOf(someAddr), Wrong: 1, Free: now}
	for _, c := range []struct {
		want  string
		spoil func(*Guesser)
	}{
		{"no network", func(g *Guesser) { g.Network = netip.Prefix{} }},
		{"no network", func(g *Guesser) { g.Network = netip.MustParsePrefix("10.0.0.0/8") }},
		{"no network", func(g *Guesser) { g.Network = netip.MustParsePrefix("2001:db8::1/64") }},
		{"passwords: 0", func(g *Guesser) { g.Wrong = 0 }},
		{"passwords: -1", func(g *Guesser) { g.Wrong = -1 }},
		{"next turn", func(g *Guesser) { g.Free = -1 }},
		{"next turn", func(g *Guesser) { g.Free = now.Add(time.Hour) }},
	} {
		g := right
		c.spoil(&g)
		if err := NewRecord(clock.Clock{}).Remember(g, now); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", g, err, c.want)
		}
	}
}
