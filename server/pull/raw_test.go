package pull

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/upstream/upstreamtest"
)

// One visit to an upstream with raw ASF: it is asked once, for the first answer is all of it.
func TestPullRaw(t *testing.T) {
	const a = "a.example:80"
	heads := map[string]string{
		"camera":         "HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\nContent-Length: -1\r\n\r\n",
		"Icecast":        "ICY 200 OK\r\nicy-name: x\r\n\r\n",
		"no type":        "HTTP/1.1 200\r\n\r\n",
		"web server":     "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n",
		"a type of MMSH": "HTTP/1.0 200 OK\r\nContent-Type: application/x-mms-framed\r\n\r\n",
		"FFmpeg":         ffmpegReply,
	}
	for name, head := range heads {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, "http://a.example/x")
				body := slices.Concat(header320, packet1, packet2)
				behind := len(header320) + 50
				if strings.Contains(head, "%d") {
					head = fmt.Sprintf(head, len(body))
				}
				s.hosts[a] = func(c *call) {
					if name == "FFmpeg" {
						body = chunks(body, 100)
					}
					c.say([]byte(head), body[:behind])
					time.Sleep(10 * time.Second) // longer than a Describe may take
					c.say(body[behind:])
				}
				if err := s.once(); err != io.EOF {
					t.Errorf("ended with %v, want EOF", err)
				}
				if got := s.requests(); !slices.Equal(got, []string{a + " describe"}) {
					t.Errorf("asked %q, want once", got)
				}
				if got := s.seen(); got != "h 1 2" {
					t.Errorf("stream got %q, want %q", got, "h 1 2")
				}
			})
		})
	}
}

// Raw upstreams fail over as others do, to raw and to framed ones: not one packet is missing.
func TestPullRawFailsOver(t *testing.T) {
	for _, second := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, w := newScene(t, urlA, urlB), newShow()
			s.hosts[hostA] = w.relay(relay{raw: true, burst: burst3, away: []span{{10 * time.Second, time.Hour}}})
			s.hosts[hostB] = w.relay(relay{raw: second, burst: burst3})
			stop := s.start()
			time.Sleep(20 * time.Second)
			stop()
			s.published().exact(t, w, 2*time.Second)
		})
	}
}

func TestPullRawOfAPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newSceneOf(t, config.Stream{Pair: []string{urlA, urlB}, PairSwitch: config.Duration(500 * time.Millisecond)}),
			newShow()
		s.hosts[hostA] = w.relay(relay{raw: true, burst: burst3, silent: []span{{10 * time.Second, 15 * time.Second}}})
		s.hosts[hostB] = w.relay(relay{raw: true, burst: burst3, lag: 100 * time.Millisecond})
		stop := s.start()
		time.Sleep(20 * time.Second)
		stop()
		s.published().exact(t, w, time.Second)
	})
}

func TestPullRawOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newDemand(t)
		s.hosts[hostA] = w.relay(relay{raw: true, burst: burst3})
		stop := s.start()
		s.come()
		synctest.Wait()
		if got := s.requests(); s.st.State() != stream.Live || len(got) != 1 {
			t.Errorf("state %v, asked %q", s.st.State(), got)
		}
		s.leave()
		time.Sleep(time.Minute)
		if s.st.State() != stream.Idle {
			t.Errorf("state %v when nobody watches", s.st.State())
		}
		stop()
	})
}

// A file that ends is played again, from its beginning, with hardly a pause and with times that go on.
func TestPullFileAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA), newShow()
		body := bytes.Clone(w.header)
		for n := range 250 { // 10 s
			body = append(body, w.packet(n)...)
		}
		body = append(body, upstreamtest.Index...)
		s.hosts[hostA] = func(c *call) {
			c.say(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body)), body)
		}
		stop := s.start()
		time.Sleep(45 * time.Second)
		stop()
		p := s.published()
		p.unbroken(t, time.Second)
		p.prompt(t, time.Second)
		if n := len(p.numbers[0]); len(p.numbers) != 1 || n < 42*25 {
			t.Errorf("%d packets in 45s, %d generations; want 42s of them at least", n, len(p.numbers))
		}
		if lead := time.Duration(p.sent[len(p.sent)-1]-p.sent[0])*time.Millisecond - p.at[len(p.at)-1].Since(
			p.at[0]); lead > time.Second {
			t.Errorf("after 45s the times are %v ahead", lead)
		}
	})
}

// A file comes as fast as it is read; viewers get it at its own pace.
func TestPullFileKeepsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA), newShow()
		body := bytes.Clone(w.header)
		for n := range 500 { // 20 s
			body = append(body, w.packet(n)...)
		}
		s.hosts[hostA] = func(c *call) {
			c.say(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body)), body)
		}
		start := s.st.Clock().Now()
		err := s.once()
		if took := s.st.Clock().Now().Since(start); err != io.EOF || took < 19*time.Second || took > 21*time.Second {
			t.Errorf("a file of 20s took %v, %v", took, err)
		}
		p := s.published()
		p.exact(t, w, time.Second)
		if n := len(p.numbers[0]); n != 500 {
			t.Errorf("%d packets, want all 500", n)
		}
	})
}
