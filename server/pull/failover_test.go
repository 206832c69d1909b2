package pull

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
)

const burst3 = 3 * time.Second

// asksOf are the requests to one host so far.
func (s *scene) asksOf(host string) (list []string) {
	for _, r := range s.requests() {
		if what, ok := strings.CutPrefix(r, host+" "); ok {
			list = append(list, what)
		}
	}
	return list
}

// Whichever way the upstream in use ends: the other one takes over in less than two seconds, and with the same packets
// viewers miss nothing.
func TestFailover(t *testing.T) {
	for _, tt := range []struct {
		name string
		a    relay
		most time.Duration
	}{
		{"lost", relay{away: []span{{20 * time.Second, time.Hour}}}, 2 * showStep},
		{"silent", relay{silent: []span{{20 * time.Second, time.Hour}}}, 1500 * time.Millisecond},
		{"silent once connected", relay{silent: []span{{10 * time.Second, time.Hour}}}, 0},
		{"never there", relay{away: []span{{0, time.Hour}}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newScene(t, urlA, urlB), newShow()
				tt.a.burst = burst3
				s.hosts[hostA], s.hosts[hostB] = w.relay(tt.a), w.relay(relay{burst: burst3})
				time.Sleep(10 * time.Second)
				begin := s.st.Clock().Now()
				p := s.play(20 * time.Second)
				p.exact(t, w, max(tt.most, showStep, 1500*time.Millisecond))
				if tt.most > 0 {
					p.prompt(t, tt.most)
				}
				if n := s.log.Count("WARN upstream failed from=mmsh://a.example/x err=no " +
					"packet for 1"); (n == 1) != strings.HasPrefix(tt.name, "silent") {
					t.Errorf("told %d times that it is silent: %q", n, s.log.Text())
				}
				if first := p.at[0].Since(begin); first > time.Second+500*time.Millisecond {
					t.Errorf("the first packet came after %v", first)
				}
				if len(p.sent) < 19*25 {
					t.Errorf("%d packets in 20 seconds", len(p.sent))
				}
			})
		})
	}
}

// An upstream that takes the connection and says nothing does not keep the other one waiting.
func TestFailoverFromSilenceAtFirst(t *testing.T) {
	for name, hung := range map[string]script{"after the request": (*call).hold, "after the header": wms(nil,
		(*call).hold)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newScene(t, urlA, urlB), newShow()
				var closed atomic.Int64
				s.hosts[hostA], s.hosts[hostB] = hung, w.relay(relay{burst: burst3})
				s.hosts[hostA] = func(c *call) {
					hung(c)
					closed.Store(int64(time.Since(w.begin)))
				}
				begin := s.st.Clock().Now()
				time.Sleep(5 * time.Second)
				p := s.play(5 * time.Second)
				synctest.Wait()
				if open := time.Duration(closed.Load()); open > 6500*time.Millisecond {
					t.Errorf("it was let go after %v", open)
				}
				last := p.numbers[len(p.numbers)-1]
				if len(last) < 75 || p.at[0].Since(begin) > 5*time.Second+1500*time.Millisecond {
					t.Errorf("published %v, the first after %v", p.numbers, p.at[0].Since(begin))
				}
			})
		})
	}
}

// Nor do two of them keep a third one waiting.
func TestFailoverFromTwoSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA, urlB, "mmsh://c.example/x"), newShow()
		s.hosts[hostA], s.hosts[hostB], s.hosts["c.example:80"] = (*call).hold, (*call).hold, w.relay(relay{burst: burst3})
		time.Sleep(10 * time.Second)
		begin := s.st.Clock().Now()
		p := s.play(10 * time.Second)
		p.exact(t, w, showStep)
		if first := p.at[0].Since(begin); first > 2200*time.Millisecond {
			t.Errorf("the first packet came after %v", first)
		}
	})
}

// The same when the upstream in use falls silent and the next one is of no use.
func TestFailoverToTheThird(t *testing.T) {
	for name, second := range map[string]script{"refused": nil, "hung": (*call).hold, "not found": func(c *call) {
		c.say([]byte("HTTP/1.0 404 Not Found\r\n\r\n"))
	}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newScene(t, urlA, urlB, "mmsh://c.example/x"), newShow()
				s.hosts[hostA] = w.relay(relay{burst: burst3, silent: []span{{10 * time.Second, time.Hour}}})
				s.hosts[hostB], s.hosts["c.example:80"] = second, w.relay(relay{burst: burst3})
				s.play(20*time.Second).exact(t, w, 2100*time.Millisecond)
			})
		})
	}
}

// Two that never answer are asked again and again, and each has its time to answer.
func TestFailoverAllSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, urlA, urlB, "mmsh://c.example/x")
		s.hosts[hostA], s.hosts[hostB], s.hosts["c.example:80"] = (*call).hold, (*call).hold, (*call).hold
		stop := s.start()
		time.Sleep(10 * time.Minute)
		if n := len(s.requests()); n < 20 || n > 120 {
			t.Errorf("%d requests in 10 minutes", n)
		}
		stop()
	})
}

// Where the upstream goes on after all, the other one is let go.
func TestReliefIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA, urlB), newShow()
		s.hosts[hostA] = w.relay(relay{burst: burst3, silent: []span{{10 * time.Second, 11200 * time.Millisecond}}})
		var first, last atomic.Int64
		s.hosts[hostB] = func(c *call) {
			first.Store(int64(time.Since(w.begin)))
			c.hold()
			last.Store(int64(time.Since(w.begin)))
		}
		stop := s.start()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		asked, closed := time.Duration(first.Load()), time.Duration(last.Load())
		if asked < 10900*time.Millisecond || asked > 11*time.Second || closed < asked || closed > 11300*time.Millisecond {
			t.Errorf("asked after %v, let go after %v; want 1s of silence and its end", asked, closed)
		}
		stop()
		s.published().exact(t, w, 1300*time.Millisecond)
	})
}

// A stream with a packet every two seconds is not taken for silent.
func TestSlowStreamIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, urlA, urlB)
		s.hosts[hostA] = wms(nil, func(c *call) {
			for n := range uint32(30) {
				c.say(dataFrame('D', 0, 0, asftest.Packet(n, n*2000, true, 200, 60)))
				time.Sleep(2 * time.Second)
			}
		})
		s.hosts[hostB] = (*call).hold
		stop := s.start()
		time.Sleep(58 * time.Second)
		if got := s.asksOf(hostB); len(got) > 2 { // until it is known how slow it is
			t.Errorf("the other upstream was asked %d times", len(got))
		}
		stop()
	})
}

// What has failed lately is tried after the others.
func TestFailoverRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA, urlB, "mmsh://c.example/x"), newShow()
		s.hosts[hostA] = w.relay(relay{away: []span{{10 * time.Second, 11 * time.Second}}, burst: burst3})
		s.hosts[hostB] = w.relay(relay{away: []span{{20 * time.Second, time.Hour}}, burst: burst3})
		s.hosts["c.example:80"] = w.relay(relay{burst: burst3})
		p := s.play(30 * time.Second)
		want := []string{hostA + " describe", hostA + " play", hostB + " describe", hostB + " play",
			"c.example:80 describe", "c.example:80 play"}
		if got := s.requests(); !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q: the first has failed a few seconds ago", got, want)
		}
		p.exact(t, w, 2*showStep)
	})
}

func newFailback(t *testing.T, a relay) (*scene, *show) {
	cfg := config.Stream{URLs: []string{urlA, urlB}, Failback: config.Duration(20 * time.Second)}
	s, w := newSceneOf(t, cfg), newShow()
	s.hosts[hostA], s.hosts[hostB] = w.relay(a), w.relay(relay{burst: burst3})
	return s, w
}

// The preferred upstream is gone back to when it has been good for failback, and not before; nothing is missing then.
func TestFailback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newFailback(t, relay{burst: burst3, away: []span{{10 * time.Second, 30 * time.Second},
			{40 * time.Second, 42 * time.Second}}})
		stop := s.start()
		for _, at := range []struct {
			until time.Duration
			from  string // who feeds then
		}{
			{9 * time.Second, urlA}, {11 * time.Second, urlB},
			{59 * time.Second, urlB}, // good since 30 s, but not at 40 s
			{75 * time.Second, urlA},
		} {
			time.Sleep(at.until - time.Since(w.begin))
			synctest.Wait()
			if own := s.st.Writer(); own == nil || own.Who() != at.from {
				t.Fatalf("after %v %+v feeds, want %s", at.until, own, at.from)
			}
		}
		if n := len(s.asksOf(hostB)); n != 2 {
			t.Errorf("%d requests to the other one, want 2", n)
		}
		stop()
		s.published().exact(t, w, 2*showStep)
		if n := s.st.Stats().Switches.Load(); n != 1 {
			t.Errorf("%d changes without an outage, want 1", n)
		}
	})
}

// A preferred upstream that has a header and no stream, or an old one only, is not gone back to.
func TestFailbackNeedsPackets(t *testing.T) {
	old, other, wide := newShow(), newShow(), newShow()
	other.clock = 50_000_000
	wide.header = asftest.Header(showSize, 640)
	burst := func(w *show) script {
		return func(c *call) {
			c.say([]byte(vlcReply), dataFrame('H', 0, 0x0C, w.header))
			if c.play {
				time.Sleep(showStep / 4) // between two packets of the other one
				for n := range 2 * showGroup {
					c.say(dataFrame('D', 0, 0, w.packet(n)))
				}
				c.hold()
			}
		}
	}
	for name, hollow := range map[string]script{
		"no packets":                    wms(nil, (*call).hold),
		"old packets":                   burst(old),
		"old packets of another clock":  burst(other),
		"old packets of another header": burst(wide),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newFailback(t, relay{burst: burst3, away: []span{{10 * time.Second, time.Hour}}})
				stop := s.start()
				time.Sleep(15 * time.Second)
				s.change(hostA, hollow)
				time.Sleep(2 * time.Minute)
				stop()
				p := s.published()
				p.exact(t, w, 2*showStep)
				if n := len(s.asksOf(hostA)); n < 10 {
					t.Errorf("the preferred one was asked %d times only", n)
				}
				if s.st.Stats().Switches.Load() != 0 {
					t.Error("turned to an upstream without a stream")
				}
			})
		})
	}
}

// A preferred upstream that is behind, but has the same packets, is gone back to at once.
func TestFailbackToOneBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newFailback(t, relay{burst: burst3, lag: 2500 * time.Millisecond,
			away: []span{{10 * time.Second, 15 * time.Second}}})
		time.Sleep(5 * time.Second)
		stop := s.start()
		time.Sleep(38 * time.Second)
		synctest.Wait()
		if n := s.st.Stats().Switches.Load(); n != 1 {
			t.Errorf("%d changes, want 1", n)
		}
		stop()
		s.published().exact(t, w, 2600*time.Millisecond)
	})
}

// Two encoders: back at a key frame, with a gap of a group of pictures at most, whichever of them is ahead.
func TestFailbackAtKeyFrame(t *testing.T) {
	for _, tt := range []struct {
		name string
		lag  time.Duration // of the preferred one
		gaps int
	}{{"level", 0, 1}, {"ahead", -200 * time.Millisecond, 1}, {"behind", 300 * time.Millisecond, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w, v := newFailback2(t)
				v.salt = 1
				time.Sleep(5 * time.Second)
				s.hosts[hostB] = w.relay(relay{burst: burst3, lag: max(0, -tt.lag)})
				stop := s.start()
				time.Sleep(time.Second)
				s.change(hostA, v.relay(relay{burst: burst3, lag: max(0, tt.lag)}))
				time.Sleep(time.Minute)
				stop()
				p := s.published()
				if n := s.st.Stats().Switches.Load(); n != 1 || len(p.numbers) != 1 {
					t.Fatalf("%d changes, published %v; want one, and one generation", n, p.numbers)
				}
				if gaps := p.unbroken(t, showGroup*showStep+showStep); gaps > tt.gaps {
					t.Errorf("%d gaps, want %d at most: %v", gaps, tt.gaps, p.numbers)
				}
				p.prompt(t, showGroup*showStep+tt.lag+showStep)
			})
		})
	}
}

func newFailback2(t *testing.T) (s *scene, w, v *show) {
	s = newSceneOf(t, config.Stream{URLs: []string{urlA, urlB}, Failback: config.Duration(20 * time.Second)})
	return s, newShow(), newShow()
}

func TestFailbackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newFailback(t, relay{burst: burst3, away: []span{{10 * time.Second, 12 * time.Second}}})
		s.st.Config().Failback = 0
		s.play(10*time.Minute).exact(t, w, 2*showStep)
		if got := s.asksOf(hostA); len(got) != 2 {
			t.Errorf("the preferred one was asked %q, want one Describe and Play", got)
		}
	})
}

// Attempts that fail are one line at first, then one a minute.
func TestFailuresAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, urlA)
		stop := s.start()
		time.Sleep(5*time.Minute + time.Second)
		tries := len(s.requests())
		if first, more := s.log.Count("WARN upstream failed"), s.log.Count("WARN upstream still fails"); first != 1 ||
			more < 3 || more > 5 {
			t.Errorf("%d and %d warnings in five minutes, want 1 and one a minute", first, more)
		}
		if quiet := s.log.Count("DEBUG upstream failed again"); quiet+s.log.Count("WARN") != tries {
			t.Errorf("%d for debugging, of %d tries", quiet, tries)
		}
		s.change(hostA, func(c *call) { c.say([]byte("HTTP/1.0 404 Not Found\r\n\r\n")) })
		time.Sleep(time.Minute)
		if n := s.log.Count("WARN upstream failed"); n != 2 {
			t.Errorf("%d warnings, want a second one: it fails in another way", n)
		}
		w := newShow()
		s.change(hostA, w.relay(relay{burst: burst3}))
		time.Sleep(time.Minute)
		if n := s.log.Count("INFO upstream is good again"); n != 1 {
			t.Errorf("told %d times that it is over", n)
		}
		stop()
	})
}

// An upstream that comes and goes is one outage.
func TestFlappingIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA), newShow()
		r := relay{burst: burst3}
		for at := 10 * time.Second; at < 70*time.Second; at += 4 * time.Second {
			r.away = append(r.away, span{at, at + 2*time.Second})
		}
		s.hosts[hostA] = w.relay(r)
		s.come() // while nobody watches it is read at leisure, and pipes hold nothing
		p := s.play(90 * time.Second)
		p.exact(t, w, 2*time.Second+500*time.Millisecond+showStep)
		if n := s.log.Count("INFO upstream is good again"); n != 1 {
			t.Errorf("told %d times that it is over", n)
		}
		if n := s.log.Count("WARN"); n > 4 {
			t.Errorf("%d warnings: %q", n, s.log.Text())
		}
	})
}

// A pump that is restarted is found again within two seconds.
func TestRestartedUpstreamIsFoundSoon(t *testing.T) {
	for away := 100 * time.Millisecond; away <= 1500*time.Millisecond; away += 100 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			s, w := newScene(t, urlA), newShow()
			s.hosts[hostA] = w.relay(relay{burst: burst3, away: []span{{10 * time.Second, 10*time.Second + away}}})
			s.puller.random = func() float64 { return 0 } // the longest pauses
			s.play(20*time.Second).exact(t, w, 2*time.Second+showStep)
		})
	}
}

// So it is after a longer time, and after many short ones, if somebody watches; if somebody comes, it is at once.
func TestUpstreamIsFoundSoonWhileWatched(t *testing.T) {
	const second = time.Second
	flaps := []span{}
	for at := 10 * second; at < 70*second; at += 4 * second {
		flaps = append(flaps, span{at, at + 2*second}, span{at + 2*second + 300*time.Millisecond, at + 2*second +
			400*time.Millisecond})
	}
	for _, tt := range []struct {
		name  string
		away  []span
		come  time.Duration // the first viewer
		until time.Duration
		most  time.Duration // between two packets; 0: not looked at
	}{
		{"away for long", []span{{10 * second, 55 * second}}, 0, 60 * second, 47 * second},
		{"flaps", flaps, 0, 80 * second, 4 * second},
		{"nobody watches, then somebody comes", []span{{0, 100 * second}}, 105 * second, 106 * second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newScene(t, urlA), newShow()
				s.hosts[hostA] = w.relay(relay{burst: 20 * second, away: tt.away})
				s.puller.random = func() float64 { return 0 } // the longest pauses
				stop := s.start()
				time.Sleep(tt.come)
				s.come()
				time.Sleep(tt.until - tt.come)
				if own := s.st.Writer(); own == nil {
					t.Error("nobody feeds the stream")
				}
				stop()
				p := s.published()
				if tt.most > 0 {
					p.prompt(t, tt.most)
				}
			})
		})
	}
}
