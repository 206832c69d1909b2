package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An account is what a witness has seen so far.
type account struct {
	seen  []sighting
	heads [][]byte
	end   ending
}

func (w *witness) account() (account, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return account{w.seen[:len(w.seen):len(w.seen)], w.heads[:len(w.heads):len(w.heads)], w.end}, w.news
}

func (w *witness) count() int {
	a, _ := w.account()
	return len(a.seen)
}

// await waits until a witness has seen enough, for awaitTime at the most, and gives what it has seen.
func (w *witness) await(t *testing.T, what string, enough func(account) bool) account {
	t.Helper()
	late := time.NewTimer(awaitTime)
	defer late.Stop()
	for {
		a, news := w.account()
		if enough(a) {
			return a
		}
		select {
		case <-news:
		case <-w.done:
			if a, _ = w.account(); !enough(a) {
				t.Fatalf("%s: ended before %s: %q, %d packets, faults %s", w.name, what, a.end, len(a.seen), w.excuse())
			}
		case <-late.C:
			t.Fatalf("%s: no %s within %v, %d packets seen", w.name, what, awaitTime, len(a.seen))
		}
	}
}

func (w *witness) excuse() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.faults, "; ")
}

// awaitMore waits for n more packets than there are now.
func (w *witness) awaitMore(t *testing.T, n int) account {
	t.Helper()
	have := w.count()
	return w.await(t, fmt.Sprintf("%d more packets", n), func(a account) bool { return len(a.seen) >= have+n })
}

func awaitAllMore(t *testing.T, all []*witness, n int) {
	t.Helper()
	have := make([]int, len(all))
	for i, w := range all {
		have[i] = w.count()
	}
	for i, w := range all {
		w.await(t, fmt.Sprintf("%d more packets", n), func(a account) bool { return len(a.seen) >= have[i]+n })
	}
}

// awaitEnd wants the stream to end for a witness in this way, or to go on.
func (w *witness) awaitEnd(t *testing.T, want ending) {
	t.Helper()
	if want == watching {
		if a, _ := w.account(); a.end != watching {
			t.Errorf("%s: got %s, want to go on", w.name, a.end)
		}
		return
	}
	if a := w.await(t, string(want), func(a account) bool { return a.end != watching }); a.end != want {
		t.Errorf("%s: got %s, want %s", w.name, a.end, want)
	}
}
