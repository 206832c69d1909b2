package line

import (
	"sync"
	"testing"
	"time"

	"pumpd/server/clock"
)

const second = clock.Instant(time.Second)

func newLine(bitsPerSecond int64) *Line {
	return New(Options{
		Settings: Settings{BitsPerSecond: bitsPerSecond, Auto: bitsPerSecond == 0, Reserve: 0.05},
		Changed:  func(int64, bool) {},
		Shut:     func(bool) {},
		Free:     func() int64 { return 1 << 40 },
	})
}

// However it is asked, a line is given no more than it carries, and what is ahead of it.
func TestClaimKeepsToTheRate(t *testing.T) {
	l := newLine(8e6) // a million bytes a second
	total := 0
	for now := clock.Instant(0); now < second; now = now.Add(time.Millisecond) {
		for _, c := range []Class{Burst, First} {
			n := l.Claim(100_000, c, now, now)
			l.Settle(n, n, c)
			total += n
		}
	}
	if want := int(1e6 * (paced + First.ahead().Seconds())); total < want*98/100 || total > want {
		t.Errorf("%d bytes in a second, want %d", total, want)
	}
	if l.bursts.Load() > 20_000 {
		t.Errorf("%d bytes of bursts, though live packets take all", l.bursts.Load())
	}
}

// A loop that wakes late may make up for it, for a while; one that did not wait may not.
func TestClaimMakesUpForOversleeping(t *testing.T) {
	l := newLine(8e6)
	n := l.Claim(1e6, First, 0, 0)
	late := clock.Instant(74 * time.Millisecond)
	if got := l.Claim(1e6, First, clock.Instant(24*time.Millisecond), late); got < 70_000 || got > 75_000 {
		t.Errorf("%d bytes after 50 ms, want what the line carries in that time", got)
	}
	if got, most := l.Claim(1e6, First, late+second, late+second), n; got > most {
		t.Errorf("%d bytes after a pause, want at most %d", got, most)
	}
}

func TestUnknownLineLimitsNothing(t *testing.T) {
	l := newLine(0)
	if got := l.Claim(1<<30, Burst, 0, 0); got != 1<<30 || l.Known() {
		t.Errorf("%d bytes, known %v", got, l.Known())
	}
}

func TestClaimFromManyLoops(t *testing.T) {
	l := newLine(8e6)
	var all sync.WaitGroup
	totals := make([]int, 8)
	for i := range totals {
		all.Go(func() {
			for range 1000 {
				n := l.Claim(1000, First, second, second)
				l.Settle(n, n, First)
				totals[i] += n
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range totals {
		sum += n
	}
	if most := int(1e6*First.ahead().Seconds()) + len(totals); sum > most {
		t.Errorf("%d bytes in one instant, want at most %d", sum, most)
	}
}

func TestWire(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 53, 1448: 1500, 1449: 1553, 2896: 3000} {
		if got := Wire(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

func TestCreditIsWhatLivePacketsLeave(t *testing.T) {
	l := newLine(8e6)
	l.Demand(880_000)
	l.Owe(30_000)
	if got := l.Credit(); got != 10_000 {
		t.Errorf("%d, want 10000", got)
	}
	if got := l.PaidIn(20_000); got != 500*time.Millisecond {
		t.Errorf("paid in %v, want 500ms", got)
	}
	l.Demand(1e6)
	if got := l.Credit(); got >= 0 {
		t.Errorf("%d, though the line is overbooked", got)
	}
}

// What is sent to no viewer is not there for them.
func TestOthersTakeTheirPart(t *testing.T) {
	l := newLine(8e6)
	l.Others(600_000)
	first := l.Claim(1e6, First, 0, 0)
	if want := int(400_000 * paced * First.ahead().Seconds()); first != want {
		t.Errorf("%d bytes at once, want %d", first, want)
	}
}
