package auth

import (
	"fmt"
	"net/netip"

	"pumpd/server/clock"
)

// A Guesser is what a Record remembers of the wrong passwords of one network, for the process that goes on with it. It
// is for encoding/gob.
type Guesser struct {
	Stream  int // as the caller numbers them
	Network netip.Prefix
	Wrong   int
	Free    clock.Instant
}

// Guessers are all that are not forgotten, the newest last.
func (r *Record) Guessers(now clock.Instant) (list []Guesser) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for who, g := range r.brake.old {
		if _, newer := r.brake.young[who]; !newer && now.Since(g.free) <= guessMemory {
			list = append(list, Guesser{who.stream, who.network, g.wrong, g.free})
		}
	}
	for who, g := range r.brake.young {
		if now.Since(g.free) <= guessMemory {
			list = append(list, Guesser{who.stream, who.network, g.wrong, g.free})
		}
	}
	return list
}

// Remember has one be remembered that another process knew.
func (r *Record) Remember(g Guesser, now clock.Instant) error {
	switch {
	case !g.Network.IsValid() || NetworkOf(g.Network.Addr()) != g.Network:
		return fmt.Errorf("wrong passwords: of %v, which is no network of one household", g.Network)
	case g.Wrong < 1:
		return fmt.Errorf("wrong passwords: %d", g.Wrong)
	case g.Free < 0 || g.Free.Since(now) > maxGuessWait+maxGuessPause:
		return fmt.Errorf("wrong passwords: the next turn is at %d, it is %d", g.Free, now)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brake.keep(guesser{g.Stream, g.Network}, guesses{g.Wrong, g.Free})
	return nil
}
