package pull

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/config"
)

// views is what has become of the upstreams, "again" where that changes by itself: "feeding, failed again".
func (s *scene) views() string {
	synctest.Wait()
	var list []string
	for _, u := range s.st.Upstreams() {
		text := u.State.String()
		if u.Again > s.st.Clock().Now() {
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
	urls := config.Stream{URLs: []string{urlA, urlB}, Failback: config.Duration(20 * second)}
	pair := config.Stream{Pair: []string{urlA, urlB}, PairSwitch: config.Duration(500 * time.Millisecond)}
	demand := config.Stream{URL: urlA, OnDemand: true, IdleClose: config.Duration(5 * second)}
	for _, tt := range []struct {
		name  string
		cfg   config.Stream
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
		if s.st.Upstreams() != nil {
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

// What went wrong last is shown, and without credentials of whom.
func TestUpstreamThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "mmsh://user:secret@a.example/x?token=secret", "srv:user:secret@_mmsh._tcp.b.example/y?secret")
		s.puller.Dialer.LookupSRV = func(context.Context, string, string, string) (string, []*net.SRV, error) {
			return "", nil, io.ErrUnexpectedEOF
		}
		stop := s.start()
		time.Sleep(100 * time.Millisecond)
		if got := s.views(); got != "failed again, failed again" {
			t.Errorf("%s, want both failed", got)
		}
		list := s.st.Upstreams()
		if list[0].Name != "mmsh://…@a.example/x?…" || list[0].Failures != 1 || list[0].Last.Cause != "connection_refused" {
			t.Errorf("%+v", list[0])
		}
		if list[1].Name != "srv:…@_mmsh._tcp.b.example/y?…" || list[1].Last.Cause != "closed" ||
			strings.Contains(list[1].Last.Text, "secret") {
			t.Errorf("%+v", list[1])
		}
		stop()
	})
}
