package auth

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestNonce(t *testing.T) {
	made := time.Unix(1_700_000_000, 0)
	nonce := newNonce(someAddr, made)
	for _, tt := range []struct {
		name  string
		nonce string
		after time.Duration
		want  bool
	}{
		{"at once", nonce, 0, true},
		{"just inside its life", nonce, nonceLife - time.Second, true},
		{"too old", nonce, nonceLife, false},
		{"from the future", nonce, -time.Minute, false},
		{"upper case", strings.ToUpper(nonce), 0, true},
		{"time changed", "2" + nonce[1:], 0, false},
		{"signature changed", nonce[:len(nonce)-1] + string(nonce[len(nonce)-1]^1), 0, false},
		{"cut", nonce[:len(nonce)-2], 0, false},
		{"longer", nonce + "00", 0, false},
		{"only a time", nonce[:16], 0, false},
		{"not hex", strings.Repeat("x", len(nonce)), 0, false},
		{"empty", "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := validNonce(tt.nonce, someAddr, made.Add(tt.after)); got != tt.want {
				t.Errorf("validNonce(%q) %v later: %t, want %t", tt.nonce, tt.after, got, tt.want)
			}
		})
	}
}

// A nonce is for the address that it was given to, and no two are the same.
func TestNonceIsForOneAddress(t *testing.T) {
	made := time.Unix(1_700_000_000, 0)
	nonce := newNonce(someAddr, made)
	for _, from := range []string{"192.0.2.2", "::ffff:192.0.2.1", "2001:db8::1"} {
		if validNonce(nonce, netip.MustParseAddr(from), made) {
			t.Errorf("a nonce for %v is good from %s", someAddr, from)
		}
	}
	if newNonce(someAddr, made.Add(1)) == nonce {
		t.Error("the same nonce a nanosecond later")
	}
}

// A count is good once, whatever the order, and far behind the largest one never.
func TestSpendNonce(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var s Nonces
	nonce := newNonce(someAddr, now)
	for _, c := range []struct {
		count uint32
		want  bool
	}{
		{1, true}, {1, false}, {3, true}, {2, true}, {2, false}, {3, false}, {66, true}, {2, false}, {4, true}, {4, false},
		{1 << 31, true}, {66, false}, {1<<31 - 63, true}, {1<<31 - 64, false}, {1<<32 - 1, true}, {1<<32 - 1, false},
		{0, false},
	} {
		if got := s.Spend(nonce, c.count, now); got != c.want {
			t.Errorf("count %d: %v, want %v", c.count, got, c.want)
		}
	}
	if s.Spend(strings.ToUpper(nonce), 1<<31, now) {
		t.Error("in upper case it is another nonce")
	}
	if !s.Spend(newNonce(someAddr, now.Add(1)), 1, now) {
		t.Error("the first count of another nonce is refused")
	}
}

// However many nonces have been used, memory is bounded and none of them is good again.
func TestSpentNoncesAreBounded(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var s Nonces
	var all []string
	unused := newNonce(someAddr, now.Add(10))
	for i := range 2 * maxNonces {
		at := now.Add(time.Duration(i))
		if i != 10 {
			all = append(all, newNonce(someAddr, at))
			s.Spend(all[len(all)-1], 1, at)
		}
	}
	if len(s.spent) > maxNonces || len(s.order) > maxNonces {
		t.Errorf("%d nonces, %d in order, limit %d", len(s.spent), len(s.order), maxNonces)
	}
	for i, nonce := range append(all, unused) {
		if fresh := s.Spend(nonce, 1, now.Add(time.Second)); fresh {
			t.Fatalf("nonce %d is good again", i)
		}
	}
	later := now.Add(nonceLife + time.Second)
	if !s.Spend(newNonce(someAddr, later), 1, later) || len(s.spent) != 1 {
		t.Errorf("after their life: %d nonces, want the new one", len(s.spent))
	}
}
