package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"time"
)

// A nonce carries its own time and, in our signature, the address that it is for, so nobody has to remember which were
// given out:
//
//	nanoseconds since 1970, 8 bytes | HMAC-SHA256 of them and the address, first 16 bytes		all in hex
const nonceSize = 8 + 16

// nonceLife is how long a nonce is good for. An operator has to type a password into the encoder meanwhile.
const nonceLife = 5 * time.Minute

// nonceKey is new in every process: nonces of an earlier one are answered by another 401.
var nonceKey = func() (k [32]byte) {
	rand.Read(k[:]) // never fails: crypto/rand
	return k
}()

func newNonce(from netip.Addr, now time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, nonceSize), uint64(now.UnixNano()))
	return hex.EncodeToString(signNonce(b, from))
}

func signNonce(b []byte, from netip.Addr) []byte {
	m := hmac.New(sha256.New, nonceKey[:])
	m.Write(b)
	m.Write(from.AsSlice())
	return append(b, m.Sum(nil)[:nonceSize-len(b)]...)
}

// validNonce says whether we made the nonce for this address, less than nonceLife ago.
func validNonce(nonce string, from netip.Addr, now time.Time) bool {
	b, err := hex.DecodeString(nonce)
	if err != nil || len(b) != nonceSize || !hmac.Equal(signNonce(b[:8:8], from), b) {
		return false
	}
	age := now.Sub(madeAt(b))
	return -time.Second < age && age < nonceLife
}

// madeAt is the time in the bytes of a nonce.
func madeAt(b []byte) time.Time { return time.Unix(0, int64(binary.BigEndian.Uint64(b))) }

// Nonces remember which counts have come with each nonce, so that nobody can send a recorded request again. Only
// requests with a right password come in here, so strangers cannot fill it.
type Nonces struct {
	spent  map[[nonceSize]byte]*counts
	order  [][nonceSize]byte // of spent, by first use
	oldest time.Time         // nonces from before are not good any more, unless they are in spent
}

// counts are the largest count that has come with a nonce, and below it the ones that have: bit i is last-i. Requests
// that go by several connections may overtake each other.
type counts struct {
	last uint32
	seen uint64
}

const (
	countWindow = 64 // bits of seen
	maxNonces   = 4096
)

// Spend says whether a count is new for a nonce, which is valid, and remembers it.
func (s *Nonces) Spend(nonce string, count uint32, now time.Time) bool {
	var key [nonceSize]byte
	if n, err := hex.Decode(key[:], []byte(nonce)); err != nil || n != nonceSize {
		return false
	}
	c := s.spent[key]
	if c != nil {
		return c.add(count)
	}
	if !madeAt(key[:]).After(s.oldest) {
		return false
	}
	s.makeRoom(now)
	if s.spent == nil {
		s.spent = map[[nonceSize]byte]*counts{}
	}
	s.spent[key] = &counts{last: count, seen: 1}
	s.order = append(s.order, key)
	return true
}

// makeRoom forgets what is too old, and the one that was used first when there are too many.
func (s *Nonces) makeRoom(now time.Time) {
	for len(s.order) > 0 {
		first := s.order[0]
		made := madeAt(first[:])
		if now.Sub(made) < nonceLife {
			if len(s.order) < maxNonces {
				return
			}
			if made.After(s.oldest) {
				s.oldest = made
			}
		}
		delete(s.spent, first)
		s.order = s.order[1:]
	}
}

func (c *counts) add(n uint32) bool {
	if n > c.last {
		c.seen = c.seen<<(n-c.last) | 1 // a shift by 64 and more gives 0
		c.last = n
		return true
	}
	bit := uint64(1) << (c.last - n)
	if bit == 0 || c.seen&bit != 0 {
		return false
	}
	c.seen |= bit
	return true
}
