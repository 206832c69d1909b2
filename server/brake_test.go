package server

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// Turns come at once, then with pauses that grow.
func TestBrake(t *testing.T) {
	var b brake
	now := instant(time.Hour)
	who := guesser{0, networkOf(someAddr)}
	var waits []time.Duration
	for range freeGuesses + 6 {
		at, ok := b.turn(0, someAddr, now)
		if !ok {
			t.Fatal("no turn")
		}
		waits = append(waits, at.since(now))
		now = at
		b.wrong(0, someAddr, now)
	}
	want := []time.Duration{0, 500, 1000, 2000, 4000, 5000, 5000}
	for i, w := range waits[freeGuesses-1:] {
		if w != want[i]*time.Millisecond {
			t.Errorf("wait %d: %v, want %v ms", i, w, want[i])
		}
	}
	if at, _ := b.turn(1, someAddr, now); at != now {
		t.Error("another stream has to wait")
	}
	later := now.add(guessMemory + maxGuessWait)
	if at, _ := b.turn(0, someAddr, later); at != later {
		t.Error("guesses are not forgotten")
	}
	if b.forget(0, someAddr); b.of(who, now).wrong != 0 {
		t.Error("a right password does not make good")
	}
}

func TestBrakeIsBounded(t *testing.T) {
	var b brake
	first := guesser{0, networkOf(someAddr)}
	for range freeGuesses {
		b.wrong(0, someAddr, 1)
	}
	for i := range uint32(3 * maxGuessers) {
		a := binary.BigEndian.AppendUint32(netip.MustParseAddr("2001:db8::").AsSlice()[:4], i)
		from, _ := netip.AddrFromSlice(append(a, 0, 0, 0, 0, 0, 0, 0, 1))
		b.wrong(0, from, 1)
		if n := len(b.young) + len(b.old); n > 2*maxGuessers {
			t.Fatalf("%d guessers, limit %d", n, 2*maxGuessers)
		}
		if i == maxGuessers && b.of(first, 1).wrong != freeGuesses {
			t.Error("forgotten while there was room")
		}
	}
}
