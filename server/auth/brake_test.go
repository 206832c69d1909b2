package auth

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"pumpd/server/clock"
)

// Turns come at once, then with pauses that grow.
func TestBrake(t *testing.T) {
	var b Brake
	now := clock.Instant(time.Hour)
	who := guesser{0, NetworkOf(someAddr)}
	var waits []time.Duration
	for range freeGuesses + 6 {
		at, ok := b.When(0, someAddr, now)
		if !ok {
			t.Fatal("no turn")
		}
		waits = append(waits, at.Since(now))
		now = at
		b.Wrong(0, someAddr, now)
	}
	want := []time.Duration{0, 500, 1000, 2000, 2000, 2000, 2000}
	for i, w := range waits[freeGuesses-1:] {
		if w != want[i]*time.Millisecond {
			t.Errorf("wait %d: %v, want %v ms", i, w, want[i])
		}
	}
	if at, _ := b.When(1, someAddr, now); at != now {
		t.Error("another stream has to wait")
	}
	later := now.Add(guessMemory + maxGuessWait)
	if at, _ := b.When(0, someAddr, later); at != later {
		t.Error("guesses are not forgotten")
	}
	if b.Forget(0, someAddr); b.of(who, now).wrong != 0 {
		t.Error("a right password does not make good")
	}
}

func TestBrakeIsBounded(t *testing.T) {
	var b Brake
	first := guesser{0, NetworkOf(someAddr)}
	for range freeGuesses {
		b.Wrong(0, someAddr, 1)
	}
	for i := range uint32(3 * maxGuessers) {
		a := binary.BigEndian.AppendUint32(netip.MustParseAddr("2001:db8::").AsSlice()[:4], i)
		from, _ := netip.AddrFromSlice(append(a, 0, 0, 0, 0, 0, 0, 0, 1))
		b.Wrong(0, from, 1)
		if n := len(b.young) + len(b.old); n > 2*maxGuessers {
			t.Fatalf("%d guessers, limit %d", n, 2*maxGuessers)
		}
		if i == maxGuessers && b.of(first, 1).wrong != freeGuesses {
			t.Error("forgotten while there was room")
		}
	}
}
