package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"pumpd/server/clock"
)

// A Verifier compares passwords with hashes of bcrypt's. That takes 50 ms of a CPU and more, for that is what these
// hashes are for, so it is done on goroutines of its own, few at once, and what was right is remembered for a while.
// Any goroutine may use it.
type Verifier struct {
	// Set by NewVerifier, never changed.
	clock clock.Clock
	key   [32]byte
	cpus  chan struct{}

	mu         sync.Mutex
	waiting    int // compares that have not ended
	young, old map[[sha256.Size]byte]clock.Instant
}

const (
	rememberFor = 10 * time.Minute // since the comparison: who comes again keeps nothing alive that was changed
	maxCompares = 64               // at once: some seconds of work
	maxRight    = 1024             // in each of the maps
)

// NewVerifier leaves three CPUs of four to others.
func NewVerifier(c clock.Clock) *Verifier {
	v := &Verifier{clock: c, cpus: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/4))}
	rand.Read(v.key[:]) // never fails: crypto/rand
	return v
}

// Verify says what a proof is worth of which Check does not know that. Unknown: done will be called with Wrong or
// Right, on another goroutine. ok is false if too many wait already; done is not called then.
func (v *Verifier) Verify(u Users, q Proof, done func(Verdict)) (now Verdict, ok bool) {
	a, err := parseAuthorization(string(q.Authorization))
	if err != nil || !a.basic {
		return Wrong, true
	}
	user, known := u[a.name()]
	if known = known && user.hash != nil; !known {
		user = u[nobody]
	}
	id := v.identify(user.hash, a.user, a.password)
	v.mu.Lock()
	defer v.mu.Unlock()
	begun := v.clock.Now()
	if known && v.remembers(id, begun) {
		return Right, true
	}
	if v.waiting >= maxCompares {
		return Unknown, false
	}
	v.waiting++
	go func() {
		right := v.compare(user.hash, a.password) && known
		if v.ended(id, begun, right); right {
			done(Right)
		} else {
			done(Wrong)
		}
	}()
	return Unknown, true
}

// identify makes of credentials something to remember them by, which is of no use to who reads our memory.
func (v *Verifier) identify(hash []byte, name, password string) (id [sha256.Size]byte) {
	m := hmac.New(sha256.New, v.key[:])
	for _, part := range []string{string(hash), name, password} {
		sum := sha256.Sum256([]byte(part))
		m.Write(sum[:])
	}
	return [sha256.Size]byte(m.Sum(nil))
}

// compare waits for a CPU and compares.
func (v *Verifier) compare(hash []byte, password string) bool {
	v.cpus <- struct{}{}
	defer func() { <-v.cpus }()
	return bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
}

// ended says that a comparison is over, and of what; right credentials are remembered.
func (v *Verifier) ended(id [sha256.Size]byte, begun clock.Instant, right bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waiting--
	if !right {
		return
	}
	if len(v.young) >= maxRight {
		v.young, v.old = nil, v.young
	}
	if v.young == nil {
		v.young = map[[sha256.Size]byte]clock.Instant{}
	}
	v.young[id] = begun
}

// remembers says whether credentials were right lately, under the mutex.
func (v *Verifier) remembers(id [sha256.Size]byte, now clock.Instant) bool {
	at, ok := v.young[id]
	if !ok {
		at, ok = v.old[id]
	}
	return ok && now.Since(at) < rememberFor
}
