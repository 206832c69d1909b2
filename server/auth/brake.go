package auth

import (
	"net/netip"
	"time"

	"pumpd/server/clock"
)

// A Brake slows down who guesses passwords. Some wrong ones are free; after that those of one network and stream are
// looked at one by one, with pauses that grow. Who comes in a pause waits for its turn with an open connection,
// encoders have no timeout there (push.md §5), and is not told 401 unseen: its password may be right, from behind the
// same NAT as somebody else's guesses. So each connection has one guess in many seconds, and whoever comes when there
// are too many is told 503 at once, which costs neither a hash nor a line of the log.
//
// One goroutine at a time may use it. The zero value is ready.
type Brake struct {
	young, old map[guesser]guesses // when young is full it becomes old, and what was old is forgotten
}

// A guesser is where guesses come from and what for.
type guesser struct {
	stream  int // as the caller numbers them
	network netip.Prefix
}

type guesses struct {
	wrong int
	free  clock.Instant // the next turn that nobody has
}

const (
	freeGuesses   = 5
	guessPause    = 500 * time.Millisecond
	maxGuessPause = 2 * time.Second
	maxGuessWait  = 30 * time.Second // for a turn
	guessMemory   = 10 * time.Minute
	maxGuessers   = 4096 // in each of the maps
)

// pause is what there is between two turns.
func (g guesses) pause() time.Duration {
	if g.wrong < freeGuesses {
		return 0
	}
	return min(guessPause<<min(g.wrong-freeGuesses, 10), maxGuessPause)
}

// When says when the credentials that somebody shows for a stream are to be looked at, and takes that turn; ok is false
// if too many wait already.
func (b *Brake) When(stream int, from netip.Addr, now clock.Instant) (at clock.Instant, ok bool) {
	who := guesser{stream, NetworkOf(from)}
	g := b.of(who, now)
	at = max(now, g.free)
	if at.Since(now) > maxGuessWait {
		return 0, false
	}
	if g.wrong > 0 {
		g.free = at.Add(g.pause())
		b.keep(who, g)
	}
	return at, true
}

// Wrong notes a guess.
func (b *Brake) Wrong(stream int, from netip.Addr, now clock.Instant) {
	who := guesser{stream, NetworkOf(from)}
	g := b.of(who, now)
	g.wrong++
	g.free = max(g.free, now.Add(g.pause()))
	b.keep(who, g)
}

// Forget makes good what was guessed wrong: somebody there knows the password.
func (b *Brake) Forget(stream int, from netip.Addr) {
	who := guesser{stream, NetworkOf(from)}
	delete(b.young, who)
	delete(b.old, who)
}

// of is what is known of somebody, nothing after guessMemory.
func (b *Brake) of(who guesser, now clock.Instant) guesses {
	g, ok := b.young[who]
	if !ok {
		g = b.old[who]
	}
	if now.Since(g.free) > guessMemory {
		return guesses{}
	}
	return g
}

func (b *Brake) keep(who guesser, g guesses) {
	if len(b.young) >= maxGuessers {
		b.young, b.old = nil, b.young
	}
	if b.young == nil {
		b.young = map[guesser]guesses{}
	}
	b.young[who] = g
}
