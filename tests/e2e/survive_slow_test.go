package e2e

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// A viewer that can take 90 % of the bit rate goes on to play: whenever it is more than max_lag behind, it skips to a
// key frame. It gets what its link can carry, and another viewer of the same stream every packet in time.
func TestSlowViewer(t *testing.T) {
	t.Parallel()
	const (
		bitrate = 1e6 // bit/s
		rate    = 0.9 * bitrate / 8
		skips   = 2
	)
	m := startMortal(t, "burst = \"0s\"\nmax_lag = \"1s\"", pushStream("live"))
	startEncoder(t, m, "live", []string{"push", "-synthetic", "-bitrate", "1M", "-packet", "1400", "-gop", "500ms"})
	waitLive(t, m.addr, streamPath("live"))
	quick := startWitness(t, m.addr, "live", agentOld)
	var slow []*witness
	for _, agent := range []string{agentOld, agentVLC} {
		w := newWitness(watch(t, m.addr, "live", agent))
		w.skips = true
		slowDown(t, w.viewer, rate)
		w.begin(t)
		slow = append(slow, w)
	}
	begin := time.Now()
	have := quick.count()
	for _, w := range slow {
		w.await(t, "skips", func(a account) bool { return skipsOf(a) >= skips })
	}
	took := time.Since(begin)
	for _, w := range slow {
		checkSlow(t, w, rate)
	}
	// There are skips that the viewer has not read yet.
	s := m.awaitStatus(t, "live", "watched by all", func(s streamStatus) bool { return s.Viewers == 3 })
	if s.Skips < 2*skips || len(s.Left) > 0 {
		t.Errorf("counters %+v, want %d skips or more, and nobody gone", s.counters, 2*skips)
	}
	checkWhole(t, quick)
	a, _ := quick.account()
	end := begin.Add(took)
	due := (took - starvation.allowance(end.Add(-time.Second), end)).Seconds() * bitrate / 8 / 1400
	if got := float64(len(a.seen) - have); got < 0.95*due {
		t.Errorf("the quick viewer got %.0f packets in %v, %.0f were due", got, took, due)
	}
	const late = time.Second
	checkPauses(t, quick, late)
}

func skipsOf(a account) (n int) {
	for _, s := range a.seen {
		if s.skipped {
			n++
		}
	}
	return n
}

// checkSlow wants only what LocationId says to be missing, and a use of what the link can carry. That skips go to key
// frames the witness has seen to.
func checkSlow(t *testing.T, w *witness, rate float64) {
	t.Helper()
	a, _ := w.account()
	for i := 1; i < len(a.seen); i++ {
		s, gap := a.seen[i], a.seen[i].number-a.seen[i-1].number
		if s.skipped != (gap > 1) || gap < 1 {
			t.Errorf("%s: packet %d follows packet %d, skip %v", w.name, s.number, a.seen[i-1].number, s.skipped)
		}
	}
	first, last := a.seen[0], a.seen[len(a.seen)-1]
	took := (last.at.Sub(first.at) - starvation.allowance(first.at, last.at)).Seconds()
	if got := float64(len(a.seen)) * 1400; got < 0.9*rate*took {
		t.Errorf("%s: %.0f bytes of packets in %.1f s, its link carries %.0f/s", w.name, got, took, rate)
	}
}

// slowDown lets a viewer read at a limited rate, in bytes a second, with little room in the kernel.
func slowDown(t *testing.T, v *viewer, rate float64) {
	t.Helper()
	if err := v.conn.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	v.in = bufio.NewReaderSize(&sipper{from: v.in, rate: rate, begin: time.Now()}, 4096)
}

// A sipper reads no faster than its rate.
type sipper struct {
	from  io.Reader
	rate  float64
	begin time.Time
	taken int
}

func (s *sipper) Read(b []byte) (int, error) {
	if wait := time.Duration(float64(s.taken)/s.rate*float64(time.Second)) - time.Since(s.begin); wait > 0 {
		<-time.After(wait)
	}
	n, err := s.from.Read(b)
	s.taken += n
	return n, err
}
