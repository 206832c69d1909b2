package load

import (
	"testing"
	"time"

	"pumpd/bench/viewers"
)

func TestLoadOverTLS(t *testing.T) {
	t.Parallel() // most of a run is waiting
	addr := serveTLS(t, serveSynth(t))
	for name, opt := range map[string]Options{
		"mmshs":               {URLs: []string{"mmshs://" + addr + "/x"}},
		"mmshs with describe": {URLs: []string{"mmshs://" + addr + "/x"}, Options: viewers.Options{Describe: true}},
		"https":               {URLs: []string{"https://" + addr + "/x"}},
		"all kinds": {
			URLs: []string{"mmshs://" + addr + "/x"}, Slow: 2, Stalled: 2, Churn: 20, Herd: 10, Duration: 500 * time.Millisecond,
			Options: viewers.Options{SlowRate: 250e3},
		},
	} {
		s := fairLoad(t, opt)
		if s.Failed+s.Refused+s.Silent+s.FaultCount() > 0 || s.Bytes == 0 || s.Packets == 0 || !s.Stamped ||
			s.SlowestPart < starvedShare {
			t.Errorf("%s: %v; %v; %s; %+v", name, s.Verdict(), s.Failures, s.FirstFault, s)
		}
		if want := name[:5]; name != "all kinds" && s.Protocol != want {
			t.Errorf("%s: protocol %s", name, s.Protocol)
		}
	}
}

// A server that takes connections and shakes no hands, or none that is TLS.
func TestLoadWithoutTLSThere(t *testing.T) {
	t.Parallel() // most of a run is waiting
	plain := serveBytes(t, []byte("HTTP/1.0 200 OK\r\n\r\n"), true)
	for name, addr := range map[string]string{"silent": plain, "closed": serveBytes(t, nil, false)} {
		start := time.Now()
		opt := Options{URLs: []string{"https://" + addr + "/"}, Viewers: 5}
		opt.Patience = 500 * time.Millisecond
		if s := testLoad(t, opt); s.Failed != 5 || s.Verdict() == nil {
			t.Errorf("%s: %d failed: %v", name, s.Failed, s.Failures)
		}
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// Each site gets its share of viewers, of every kind.
func TestLoadTakesURLsInTurn(t *testing.T) {
	t.Parallel() // most of a run is waiting
	plain, secure := serveSynth(t), serveTLS(t, serveSynth(t))
	good := []string{
		"mmsh://" + plain + "/a", "http://" + plain + "/b", "mmshs://" + secure + "/c", "https://" + secure + "/d",
	}
	s := testLoad(t, Options{URLs: good, Viewers: 40})
	if s.Failed+s.FaultCount() > 0 || s.Watching != 40 || s.Protocol != "mixed" || s.URL != good[0]+" and 3 more" {
		t.Errorf("%+v: %v", s, s.Failures)
	}
	closed := serveBytes(t, []byte("HTTP/1.0 404 Not Found\r\n\r\n"), true)
	for _, describe := range []bool{false, true} {
		s = testLoad(t, Options{
			URLs: append(good, "mmsh://"+closed+"/e"), Viewers: 100, Options: viewers.Options{Describe: describe},
		})
		if s.Refused < 18 || s.Refused > 22 || s.Failed > 0 || s.Watching != 100-s.Refused {
			t.Errorf("describe %v: %d refused, %d failed, %d watching, want a fifth refused: %v",
				describe, s.Refused, s.Failed, s.Watching, s.Failures)
		}
	}
}
