package server

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// views is what the status page would say of the upstreams: "feeding, failed again".
func (s *scene) views() string {
	synctest.Wait()
	var list []string
	for _, u := range reportUpstreams(*s.st.upstreams.Load(), s.st.clock.now()) {
		text := u.State
		if u.Again != nil {
			text += " again"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func TestUpstreamStates(t *testing.T) {
	const second = time.Second
	type look struct {
		at   time.Duration
		want string
	}
	urls := StreamConfig{URLs: []string{urlA, urlB}, Failback: Duration(20 * second)}
	pair := StreamConfig{Pair: []string{urlA, urlB}, PairSwitch: Duration(500 * time.Millisecond)}
	demand := StreamConfig{URL: urlA, OnDemand: true, IdleClose: Duration(5 * second)}
	for _, tt := range []struct {
		name  string
		cfg   StreamConfig
		a, b  relay
		looks []look
	}{
		{"failover and failback", urls, relay{away: []span{{10 * second, 30 * second}}}, relay{}, []look{
			{5 * second, "feeding, idle"}, {15 * second, "failed again, feeding"},
			{40 * second, "returning again, feeding"}, {80 * second, "feeding, idle"},
		}},
		{"relief", urls, relay{silent: []span{{10 * second, time.Hour}}}, relay{silent: []span{{0, time.Hour}}}, []look{
			{12 * second, "feeding, standby"},
		}},
		{"one of a pair", pair, relay{away: []span{{10 * second, 30 * second}}}, relay{}, []look{
			{5 * second, "feeding, standby"}, {15 * second, "failed again, feeding"}, {60 * second, "standby, feeding"},
		}},
		{"all away", urls, relay{away: []span{{0, time.Hour}}}, relay{away: []span{{0, time.Hour}}}, []look{
			{10 * second, "failed again, failed again"},
		}},
		{"nobody watches", demand, relay{}, relay{}, []look{{5 * second, "idle"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newSceneOf(t, tt.cfg), newShow()
				tt.a.burst, tt.b.burst = burst3, burst3
				s.hosts[hostA], s.hosts[hostB] = w.relay(tt.a), w.relay(tt.b)
				stop := s.start()
				for _, l := range tt.looks {
					time.Sleep(l.at - time.Since(w.begin))
					if got := s.views(); got != l.want {
						t.Errorf("after %v: %s, want %s", l.at, got, l.want)
					}
				}
				stop()
			})
		})
	}
}

// An upstream that says nothing is being connected to; there is nothing to tell before the pull runs.
func TestUpstreamConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, urlA)
		if s.st.upstreams.Load() != nil {
			t.Error("upstreams are told of before the pull runs")
		}
		s.hosts[hostA] = (*call).hold
		stop := s.start()
		time.Sleep(time.Second)
		if got := s.views(); got != "connecting" {
			t.Errorf("%s, want connecting", got)
		}
		stop()
	})
}

// Upstreams are on the page and in the JSON, their credentials are not.
func TestUpstreamsAreShown(t *testing.T) {
	r := newAdminRig(t, StreamConfig{Path: "a", Type: typePull, URLs: []string{
		"mmsh://user:secret@a.example/x?token=secret", "srv:user:secret@_mmsh._tcp.b.example/<b>?secret"}})
	st := r.s.reg.streams[0]
	p, err := newPuller(st, DefaultConfig(), newPumpName())
	if err != nil {
		t.Fatal(err)
	}
	p.places[0].fail(r.at, 0, 0.5)
	p.places[0].trouble.tell(st.log, "", errEnded, true, r.at)
	p.show()
	json, page := r.get("/api/status").Body.String(), r.get("/").Body.String()
	for _, want := range []string{`"state": "failed"`, `"failures": 1`, `"again_seconds": 0.`, `"state": "idle"`,
		`"again_seconds": null`,
		`"url": "mmsh://…@a.example/x?…"`, `"url": "srv:…@_mmsh._tcp.b.example/`, `"condition": "idle"`,
		`"last_error": "upstream has ended the stream"`, `"last_error_seconds": 0`, `"last_error": ""`,
		`"last_error_seconds": null`} {
		if !strings.Contains(json, want) {
			t.Errorf("no %s in %s", want, json)
		}
	}
	for _, want := range []string{`<li class="failed"><span>failed</span>mmsh://…@a.example/x?…`,
		" · 1 failed · again in 0.",
		"<em>upstream has ended the stream · 0.0 s ago</em>", `<li class="idle"><span>idle</span>srv:…@_mmsh`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	for _, mustNot := range []string{"secret", "token", "<b>"} {
		if strings.Contains(json, mustNot) || strings.Contains(page, mustNot) {
			t.Errorf("%s is shown: %s %s", mustNot, json, page)
		}
	}
}
