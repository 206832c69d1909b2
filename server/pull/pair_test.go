package pull

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/stream"
)

const (
	hostA = "a.example:80"
	hostB = "b.example:80"
	urlA  = "mmsh://a.example/x"
	urlB  = "mmsh://b.example/x"
)

func newPair(t *testing.T) *scene {
	return newSceneOf(t, config.Stream{Pair: []string{urlA, urlB}, PairSwitch: config.Duration(500 * time.Millisecond)})
}

// play runs the puller for a while and gives what it has published.
func (s *scene) play(d time.Duration) publication {
	stop := s.start()
	time.Sleep(d)
	synctest.Wait()
	stop()
	return s.published()
}

// Two upstreams with the same packets: whatever becomes of one of them, viewers get what the encoder made.
func TestPairIsExact(t *testing.T) {
	const second = time.Second
	for _, tt := range []struct {
		name string
		a, b relay
		most time.Duration // between two packets
		turn uint64        // at least so many changes from one to the other
	}{
		{name: "nothing happens", most: showStep},
		{name: "one is lost", a: relay{away: []span{{5 * second, time.Hour}}}, most: 2 * showStep, turn: 1},
		{name: "one is lost and comes back, then the other", a: relay{away: []span{{5 * second, 8 * second}}},
			b: relay{away: []span{{15 * second, 18 * second}}}, most: 2 * showStep, turn: 2},
		{name: "one falls silent", a: relay{silent: []span{{5 * second, 9 * second}}}, most: 600 * time.Millisecond, turn: 1},
		{name: "both fall silent by turns", a: relay{silent: []span{{5 * second, 9 * second}, {15 * second, 17 * second}}},
			b: relay{silent: []span{{10 * second, 14 * second}}}, most: 600 * time.Millisecond, turn: 3},
		{name: "silent for as long as the encoder", a: relay{silent: []span{{5 * second, 9 * second}}},
			b: relay{silent: []span{{5 * second, 9 * second}}}, most: 4*second + showStep},
		{name: "one is a little behind and the other lost", a: relay{away: []span{{5 * second, time.Hour}}},
			b: relay{lag: 300 * time.Millisecond}, most: 350 * time.Millisecond, turn: 1},
		{name: "one is two seconds behind and the other lost", a: relay{away: []span{{5 * second, time.Hour}}},
			b: relay{lag: 2 * second}, most: 2*second + showStep, turn: 1},
		{name: "one is far behind and the other lost", a: relay{away: []span{{9 * second, time.Hour}}},
			b: relay{lag: 3800 * time.Millisecond}, most: 4 * second, turn: 1},
		{name: "the slower one is first", a: relay{lag: 2 * second}, most: 2*second + 600*time.Millisecond},
		{name: "hiccups that are not worth it", a: relay{silent: []span{{5 * second, 5*second + 300*time.Millisecond}}},
			b: relay{silent: []span{{7 * second, 7*second + 300*time.Millisecond}}}, most: 350 * time.Millisecond},
		{name: "silent and then lost", a: relay{silent: []span{{5 * second, time.Hour}},
			away: []span{{5*second + 200*time.Millisecond, time.Hour}}},
			most: 300 * time.Millisecond, turn: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newPair(t), newShow()
				time.Sleep(10 * second)
				for host, r := range map[string]relay{hostA: tt.a, hostB: tt.b} {
					for _, list := range [][]span{r.silent, r.away} {
						for i := range list {
							list[i].from += 10 * second
							list[i].to += 10 * second
						}
					}
					r.burst = 2 * second
					s.hosts[host] = w.relay(r)
				}
				p := s.play(25 * second)
				p.exact(t, w, tt.most)
				if n := s.st.Stats().Switches.Load(); n < tt.turn || tt.turn == 0 && n > 1 {
					t.Errorf("%d changes, want %d", n, tt.turn)
				}
				if len(p.numbers[0]) < 23*25 {
					t.Errorf("%d packets of 25 seconds", len(p.numbers[0]))
				}
			})
		})
	}
}

// Whatever happens, as long as one of the two is there at any time: each packet once, and none late.
func TestPairIsExactAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			s, w := newPair(t), newShow()
			a, b := relay{burst: 3 * time.Second}, relay{burst: 3 * time.Second}
			a.lag, b.lag = time.Duration(rng.IntN(400))*time.Millisecond, time.Duration(rng.IntN(400))*time.Millisecond
			at := 15 * time.Second
			for range 12 {
				r := &a
				if rng.IntN(2) == 0 {
					r = &b
				}
				out := span{at, at + time.Duration(rng.IntN(4000))*time.Millisecond}
				if rng.IntN(3) == 0 {
					r.away = append(r.away, out)
				} else {
					r.silent = append(r.silent, out)
				}
				at = out.to + 2*time.Second + time.Duration(rng.IntN(2000))*time.Millisecond
			}
			s.hosts[hostA], s.hosts[hostB] = w.relay(a), w.relay(b)
			time.Sleep(10 * time.Second)
			p := s.play(at - 10*time.Second)
			p.exact(t, w, 1100*time.Millisecond)
			if t.Failed() {
				t.Fatalf("seed %d: %+v %+v", seed, a, b)
			}
		})
	}
}

// Two encoders of one picture: other bytes, the same clock. Viewers lose what there is up to the next key frame.
func TestPairOfTwoEncoders(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lag   time.Duration // of the one that takes over
		clock uint32        // and by how much it is ahead
		other bool          // it has another header, too
		lost  bool          // the first one is lost, not silent
		short bool          // or it goes on before the other one has a key frame
	}{
		{name: "silent between two key frames", short: true},
		{name: "lost, the other is far behind", lag: 4 * time.Second, lost: true},
		{name: "silent"},
		{name: "lost", lost: true},
		{name: "silent, the other is behind", lag: 700 * time.Millisecond},
		{name: "lost, the other is behind", lag: 700 * time.Millisecond, lost: true},
		{name: "other clock, ahead", clock: 60_000},
		{name: "other clock, far ahead", clock: 3_600_000, lost: true},
		{name: "other clock, behind", clock: ^uint32(60_000 - 1)},
		{name: "other clock, behind, lost", clock: ^uint32(20_000 - 1), lost: true},
		{name: "other header", other: true, clock: 5_000_000},
		{name: "other header, lost", other: true, lost: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w, v := newPair(t), newShow(), newShow()
				v.salt, v.clock = 1, w.clock+tt.clock
				if tt.other {
					v.header = asftest.Header(showSize, 640)
				}
				a := relay{burst: time.Second, silent: []span{{20 * time.Second, time.Hour}}}
				turns := uint64(1)
				switch {
				case tt.lost:
					a.away = a.silent
				case tt.short:
					a.silent, turns = []span{{20*time.Second + 50*time.Millisecond, 20*time.Second + 850*time.Millisecond}}, 0
				}
				s.hosts[hostA] = w.relay(a)
				time.Sleep(10 * time.Second)
				stop := s.start()
				time.Sleep(3 * time.Second)
				s.change(hostB, v.relay(relay{lag: tt.lag})) // a is the first in any case
				time.Sleep(12 * time.Second)
				stop()
				p := s.published()
				group := showStep * showGroup
				if tt.other {
					if len(p.numbers) != 2 || len(p.numbers[1]) < 50 || p.numbers[1][0]%showGroup != 0 {
						t.Errorf("published %v, want a second generation that begins with a key frame", p.numbers)
					}
				} else {
					if len(p.numbers) != 1 {
						t.Fatalf("published %v, want one generation", p.numbers)
					}
					if gaps := p.unbroken(t, group+500*time.Millisecond+showStep); gaps > 1 {
						t.Errorf("published %v, want one gap at most", p.numbers)
					}
				}
				p.prompt(t, group+500*time.Millisecond+tt.lag+2*showStep)
				if n := s.st.Stats().Switches.Load(); n != turns {
					t.Errorf("%d changes, want %d", n, turns)
				}
				if s.st.State() != stream.Idle || !p.ended {
					t.Error("the stream has not ended with the puller")
				}
			})
		})
	}
}

// A pair of which nothing is left is a lost source like any other.
func TestPairIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newPair(t), newShow()
		away := []span{{10 * time.Second, 12 * time.Second}}
		s.hosts[hostA], s.hosts[hostB] = w.relay(relay{burst: 3 * time.Second, away: away}),
			w.relay(relay{burst: 3 * time.Second, away: away})
		stop := s.start()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if s.st.State() != stream.Orphaned || s.st.Writer() != nil {
			t.Errorf("state %v, owner %v; want orphaned and nobody", s.st.State(), s.st.Writer())
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		stop()
		s.published().exact(t, w, 3*time.Second)
	})
}
