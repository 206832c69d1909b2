package main

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		fields string
		want   time.Duration
	}{
		{"Retry-After: 7\r\n", 7 * time.Second},
		{"Server: x\r\nRETRY-AFTER:0\r\n", 0},
		{"Retry-After: Fri, 27 Nov 2026 05:00:30 GMT\r\n", 30 * time.Second},
		{"Retry-After: Fri, 27 Nov 2026 04:00:30 GMT\r\n", 0},
		{"", defaultRetry},
		{"Retry-After: soon\r\n", defaultRetry},
		{"Retry-After: -1\r\n", defaultRetry},
		{"Retry-After: 99999999999999999999\r\n", defaultRetry},
		{"X-Retry-After: 7\r\n", defaultRetry},
	} {
		head := "HTTP/1.0 503 Service Unavailable\r\n" + c.fields + "\r\n"
		if got := retryAfter([]byte(head), now); got != c.want {
			t.Errorf("%q: %v, want %v", c.fields, got, c.want)
		}
	}
}

// serveAfter refuses the first n requests and then is the server at to.
func serveAfter(t *testing.T, n int64, refuse []byte, to string) string {
	t.Helper()
	var asked atomic.Int64
	no := serveBytes(t, refuse, false)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			front, err := ln.Accept()
			if err != nil {
				return
			}
			at := to
			if asked.Add(1) <= n {
				at = no
			}
			join(front, at)
		}
	}()
	return ln.Addr().String()
}

// Refusals make a run bad only where nobody comes back.
func TestVerdictOfRefusals(t *testing.T) {
	for _, c := range []struct {
		s    summary
		good bool
	}{
		{summary{Bytes: 1, SlowestPart: 1}, true},
		{summary{Bytes: 1, SlowestPart: 1, Refused: 1}, false},
		{summary{Bytes: 1, SlowestPart: 1, Refused: 1, Reconnect: true}, true},
		{summary{Bytes: 0, SlowestPart: 1, Refused: 1, Reconnect: true}, false},
	} {
		if err := c.s.verdict(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
}

// Viewers that are refused come back when they are told to, and are no failures.
func TestLoadComesBackAfterRefusals(t *testing.T) {
	answer := fmt.Appendf(nil, "HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
	addr := serveAfter(t, 5, answer, serveSynth(t))
	begin := time.Now()
	s := testLoad(t, loadOptions{urls: []string{"mmsh://" + addr + "/x"}, viewers: 10, reconnect: true})
	if s.Refused != 5 || s.Refusals["503"] != 5 || s.Watching != 10 || s.Away != 0 || s.Failed != 0 {
		t.Errorf("%+v: %v", s, s.Failures)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("all were there after %v, want Retry-After kept", took)
	}

	// Without -reconnect they stay away, and the run is not a good one.
	addr = serveAfter(t, 5, answer, serveSynth(t))
	s = testLoad(t, loadOptions{urls: []string{"mmsh://" + addr + "/x"}, viewers: 10})
	if s.Refused != 5 || s.Failed != 0 || s.Watching != 5 || s.verdict() == nil {
		t.Errorf("%+v: %v", s, s.verdict())
	}

	// Those whose time has not come at the end are told of.
	later := []byte("HTTP/1.0 503 Service Unavailable\r\nRetry-After: 3600\r\n\r\n")
	addr = serveAfter(t, 5, later, serveSynth(t))
	s = testLoad(t, loadOptions{urls: []string{"mmsh://" + addr + "/x"}, viewers: 10, reconnect: true})
	if s.Refused != 5 || s.Away != 5 || s.Watching != 5 || s.Failed != 0 {
		t.Errorf("%+v: %v", s, s.verdict())
	}
}
