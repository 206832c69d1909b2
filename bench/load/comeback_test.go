package load

import (
	"fmt"
	"testing"
	"time"

	"pumpd/bench/viewers"
)

// Viewers that are refused come back when they are told to, and are no failures.
func TestLoadComesBackAfterRefusals(t *testing.T) {
	t.Parallel() // most of a run is waiting
	answer := fmt.Appendf(nil, "HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
	addr := serveAfter(t, 5, answer, serveSynth(t))
	begin := time.Now()
	s := testLoad(t, Options{
		URLs: []string{"mmsh://" + addr + "/x"}, Viewers: 10, Options: viewers.Options{Reconnect: true},
	})
	if s.Refused != 5 || s.Refusals["503"] != 5 || s.Watching != 10 || s.Away != 0 || s.Failed != 0 {
		t.Errorf("%+v: %v", s, s.Failures)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("all were there after %v, want Retry-After kept", took)
	}

	// Without -reconnect they stay away, and the run is not a good one.
	addr = serveAfter(t, 5, answer, serveSynth(t))
	s = testLoad(t, Options{URLs: []string{"mmsh://" + addr + "/x"}, Viewers: 10})
	if s.Refused != 5 || s.Failed != 0 || s.Watching != 5 || s.Verdict() == nil {
		t.Errorf("%+v: %v", s, s.Verdict())
	}

	// Those whose time has not come at the end are told of.
	later := []byte("HTTP/1.0 503 Service Unavailable\r\nRetry-After: 3600\r\n\r\n")
	addr = serveAfter(t, 5, later, serveSynth(t))
	s = testLoad(t, Options{
		URLs: []string{"mmsh://" + addr + "/x"}, Viewers: 10,
		Options: viewers.Options{Reconnect: true, Patience: 2 * time.Second}, // all of which the ramp takes
	})
	if s.Refused != 5 || s.Away != 5 || s.Watching != 5 || s.Failed != 0 {
		t.Errorf("%+v: %v", s, s.Verdict())
	}
}
