package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCheckPath(t *testing.T) {
	n := newPumpName()
	others := strings.Repeat(", 1.0 pumpd-0123456789abcdef", 8)[2:]
	for _, tt := range []struct {
		name, via string
		want      error
	}{
		{"none", "", nil},
		{"a pump", "1.0 pumpd-0123456789abcdef", nil},
		{"itself", "1.0 " + string(n), errLoop},
		{"itself at the end", others[:60] + ", 1.0 " + string(n), errLoop},
		{"itself behind too many", others + others + ", 1.0 " + string(n), errLoop},
		{"as deep as may be", others, nil},
		{"too deep", others + ", 1.1 proxy", errDeep},
		{"commas only", strings.Repeat(",", 8), errDeep},
		{"long", "1.0 " + strings.Repeat("x", maxVia), errDeep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := n.checkPath([]byte(tt.via)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// Pumps are told the path, players never.
func TestRepliesTellPumpsThePath(t *testing.T) {
	r := newRig(t, nil, "a")
	id := "1.0 " + string(r.loop.node.name)
	requests := map[string]string{
		"describe": "GET /streams/a HTTP/1.0\r\nUser-Agent: " + pullAgent + "\r\n",
		"play":     "GET /streams/a HTTP/1.0\r\nUser-Agent: " + pullAgent + "\r\nPragma: xPlayStrm=1\r\n",
		"raw":      "GET /streams/a HTTP/1.0\r\n",
	}
	ask := func(request, via string) string {
		p := r.connect()
		if via != "" {
			via = "Via: " + via + "\r\n"
		}
		p.say(request + via + "\r\n")
		r.turn()
		head, _, _ := strings.Cut(string(p.got), "\r\n\r\n")
		return head + "\r\n"
	}
	for _, state := range []string{"down", "up"} {
		if state == "up" {
			r.feeder(0, 320).publish(2)
		}
		for name, request := range requests {
			for _, behind := range []string{"", "1.0 pumpd-0123456789abcdef, 1.1 proxy"} {
				r.reg.streams[0].path.Store(&behind)
				want := "\r\nVia: " + id + "\r\n"
				if behind != "" {
					want = "\r\nVia: " + id + ", " + behind + "\r\n"
				}
				if got := ask(request, "1.0 pumpd-fedcba9876543210"); !strings.Contains(got, want) {
					t.Errorf("%s, %s: %q, want %q", name, state, got, want)
				}
				if got := ask(request, ""); strings.Contains(got, "Via") {
					t.Errorf("%s, %s: a player is told %q", name, state, got)
				}
			}
		}
	}
}

func TestRequestsInCirclesAreRefused(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(2)
	deep := strings.Repeat(", 1.0 x", maxPumps)[2:]
	for via, want := range map[string]string{
		deep:                              " 200 ",
		deep + ", 1.0 y":                  " 403 ",
		"1.0 " + string(r.loop.node.name): " 403 ",
		"1.0 pumpd-0123456789abcdef":      " 200 ",

		"1.0 pumpd-0123456789abcdef\r\nVia: 1.0 " + string(r.loop.node.name): " 403 ",
		"1.0 pumpd-0123456789abcdef\r\nVia: 1.1 proxy":                       " 200 ",
		strings.ReplaceAll(deep, ", ", "\r\nVia: "):                          " 200 ",
		deep + "\r\nVia: 1.0 y":                                              " 403 ",
	} {
		p := r.connect()
		p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: " + pullAgent + "\r\nVia: " + via + "\r\n\r\n")
		if !strings.Contains(p.status(), want) {
			t.Errorf("Via %q: %s, want%s", via, p.status(), want)
		}
		if !strings.Contains(string(p.got), "\r\nVia: 1.0 "+string(r.loop.node.name)+"\r\n") {
			t.Errorf("Via %q: %.300q does not say whose answer it is", via, p.got)
		}
	}
}

// What the upstream says of its path is passed on; the path of one that was refused is not.
func TestPullLearnsThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA, urlB), newShow()
		const behind = "1.0 pumpd-0123456789abcdef, 1.1 proxy"
		circle := fmt.Sprintf("1.0 pumpd-fedcba9876543210, 1.0 %s", string(s.puller.name))
		s.hosts[hostA] = w.relay(relay{via: circle})
		s.hosts[hostB] = w.relay(relay{via: behind, burst: burst3, away: []span{{10 * time.Second, 12 * time.Second}}})
		stop := s.start()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if path := s.st.path.Load(); path == nil || *path != behind {
			t.Errorf("path %v, want %q", path, behind)
		}
		if n := s.log.count("WARN upstream failed from=mmsh://a.example/x err=upstream gets its stream from " +
			"this pump"); n != 1 {
			t.Errorf("told %d times of the circle: %q", n, s.log.lines)
		}
		s.change(hostB, w.relay(relay{burst: burst3}))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if path := s.st.path.Load(); path == nil || *path != "" {
			t.Errorf("path %v when the upstream is no pump any more, want none", path)
		}
		stop()
	})
}

// Two pumps that have nothing but each other find that out: what a pump last asked is behind it, though it said no.
func TestPumpsWithoutSourceAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, urlA)
		s.hosts[hostA] = func(c *call) {
			c.say([]byte("HTTP/1.0 503 Service Unavailable\r\nVia: 1.0 pumpd-0123456789abcdef\r\n\r\n"))
		}
		if err := s.once(); err == nil || !strings.Contains(err.Error(), "upstream answers 503") {
			t.Errorf("%v, want the 503", err)
		}
		want := "1.0 " + string(s.puller.name) + ", 1.0 pumpd-0123456789abcdef"
		if got := s.puller.name.path(s.st.path.Load()); got != want {
			t.Errorf("path %q, want %q", got, want)
		}
	})
}
