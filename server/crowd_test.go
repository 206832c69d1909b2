package server

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The one that has waited longest makes room: of the same origin where that has too many, else of all.
func TestCrowdMakesRoom(t *testing.T) {
	for _, c := range []struct {
		name   string
		come   string // origins, one letter each
		spared string // names of those that may not be told to go
		gone   string // origin and number of those that were
		inside int
	}{
		{"room for all", "abca", "", "", 4},
		{"too many of one", "aaab", "", "a0", 3},
		{"others do not go for them", "baaaa", "", "a1 a2", 3},
		{"too many of all", "abcde", "", "a0", 4},
		{"in the order they came", "abcdefg", "", "a0 b1 c2", 4},
		{"all but the spared", "abcde", "a0", "b1", 4},
		{"all spared", "abcde", "a0 b1 c2 d3", "", 4},
		{"all of one spared", "aaa", "a0 a1", "", 2},
	} {
		w := crowd{most: 4, each: 2}
		var gone []string
		for i, origin := range c.come {
			name := fmt.Sprintf("%c%d", origin, i)
			g := &guest{from: origin, who: name, crowd: &w, goes: func() { gone = append(gone, name) }}
			w.enter(g, func(o *guest) bool { return slices.Contains(strings.Fields(c.spared), o.who) })
		}
		if !slices.Equal(gone, strings.Fields(c.gone)) || w.size() != c.inside {
			t.Errorf("%s: gone %q, %d inside, want %q, %d", c.name, gone, w.size(), c.gone, c.inside)
		}
	}
}

// A guest is told to go once, however it is about to leave; told before it has another way to go, it is told again.
func TestGuestGoesOnce(t *testing.T) {
	w := crowd{most: 1, each: 1}
	first, again := 0, 0
	g := &guest{from: 1, crowd: &w, goes: func() { first++ }}
	w.enter(g, nil)
	w.enter(&guest{from: 2, crowd: &w}, nil)
	if w.leave(g) {
		t.Error("it leaves after it was told to go")
	}
	w.move(g, 1, func() { again++ })
	if first != 1 || again != 1 || w.size() != 1 {
		t.Errorf("told %d and %d times, %d inside, want 1, 1, 1", first, again, w.size())
	}
}

func TestOrigin(t *testing.T) {
	for _, c := range [][2]string{
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"2001:db8:1:2::", "2001:db8:1:2::"},
		{"fe80::1%eth0", "fe80::"},
	} {
		if got := originOf(netip.MustParseAddr(c[0])); got != netip.MustParseAddr(c[1]) {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}

// size is how many connections there are.
func (w *crowd) size() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting.Len()
}
