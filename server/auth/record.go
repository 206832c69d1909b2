package auth

import (
	"net/netip"
	"sync"
	"time"

	"pumpd/server/clock"
)

// A Record is what is remembered of those who show credentials at one kind of door: the nonces that they have used, and
// who has guessed. Doors have one each, so that nobody keeps another's busy. Its mutex is held for an instant. Any
// goroutine may use it.
type Record struct {
	slow *Verifier // set by NewRecord, never changed

	mu     sync.Mutex
	nonces Nonces
	brake  Brake
}

// NewRecord makes one in which nothing is remembered.
func NewRecord(c clock.Clock) *Record { return &Record{slow: NewVerifier(c)} }

// Turn is Brake.When: when credentials for a stream are to be looked at.
func (r *Record) Turn(stream int, from netip.Addr, now clock.Instant) (at clock.Instant, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brake.When(stream, from, now)
}

// Wrong notes a guess.
func (r *Record) Wrong(stream int, from netip.Addr, now clock.Instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brake.Wrong(stream, from, now)
}

// Right makes good what was guessed wrong.
func (r *Record) Right(stream int, from netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brake.Forget(stream, from)
}

// Check is Users.Check, which remembers the nonce.
func (r *Record) Check(u Users, shown Proof) (string, Verdict) {
	return u.Check(shown, r.spend, time.Now())
}

func (r *Record) spend(nonce string, count uint32, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nonces.Spend(nonce, count, now)
}

// Verify is Verifier.Verify, for what Check does not know.
func (r *Record) Verify(u Users, shown Proof, done func(Verdict)) (now Verdict, ok bool) {
	return r.slow.Verify(u, shown, done)
}

// Judge does both: it says what credentials for a stream are worth. They count as a guess until they are proved right,
// or many could be made at once; who finds them right tells by Right. Unknown and ok: done will be called, on another
// goroutine. ok is false if too many wait already.
func (r *Record) Judge(stream int, u Users, shown Proof, now clock.Instant,
	done func(Verdict)) (name string, v Verdict, ok bool) {
	name, v = r.Check(u, shown)
	if v == Wrong || v == Unknown {
		r.Wrong(stream, shown.From, now)
	}
	if v != Unknown {
		return name, v, true
	}
	v, ok = r.Verify(u, shown, done)
	return name, v, ok
}
