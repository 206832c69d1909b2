package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pumpd/codec"
)

// testLoad is a short run of few viewers.
func testLoad(t *testing.T, opt loadOptions) *summary {
	t.Helper()
	opt.duration, opt.silence = max(opt.duration, 200*time.Millisecond), 5*time.Second
	opt.patience = 2 * time.Second
	opt.sample, opt.sources, opt.drain = "50%", 3, time.Millisecond
	if opt.viewers == 0 {
		opt.viewers = 20
	}
	s, err := measureLoad(context.Background(), opt, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serveSynth runs an upstream until the test ends and gives its address.
func serveSynth(t *testing.T) string {
	t.Helper()
	src := mustSynth(t, synthOptions{bitrate: 2e6, packet: 1000, gop: 100 * time.Millisecond, payloads: 2})
	up, err := newUpstream("127.0.0.1:0", src.header())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- up.run(ctx, src, 0) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return up.addr()
}

func TestLoadWatches(t *testing.T) {
	addr := serveSynth(t)
	for name, opt := range map[string]loadOptions{
		"mmsh":               {urls: []string{"mmsh://" + addr + "/x"}},
		"mmsh with describe": {urls: []string{"mmsh://" + addr + "/x"}, describe: true},
		"http":               {urls: []string{"http://" + addr + "/x"}},
		"http, metacube":     {urls: []string{"http://" + addr + "/x.metacube"}}, // found by probes alone
		"all kinds":          {urls: []string{"mmsh://" + addr + "/x"}, slow: 2, slowRate: 1e6, stalled: 2, churn: 20, herd: 10, duration: 500 * time.Millisecond},
	} {
		s := testLoad(t, opt)
		if s.Failed+s.Silent+s.faultCount() > 0 || s.Bytes == 0 {
			t.Errorf("%s: %v; %v; %s", name, s.verdict(), s.Failures, s.FirstFault)
		}
		want := int64(opt.slow + opt.stalled + opt.herd + 20)
		if opt.churn > 0 {
			want = s.Watching // some are always on their way
		}
		if s.Watching != want || s.Sampled < 10 || s.Packets == 0 || !s.Stamped || s.Latency == nil || s.Joins == nil {
			t.Errorf("%s: %+v", name, s)
		}
		if opt.herd > 0 && (s.HerdJoin == nil || s.HerdJoin.Count != 10) {
			t.Errorf("%s: herd %+v", name, s.HerdJoin)
		}
	}
}

// serveBytes answers every request with the same bytes, and closes if it shall.
func serveBytes(t *testing.T, answer []byte, hold bool) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for line := ""; line != "\r\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				conn.Write(answer)
				if hold {
					io.Copy(io.Discard, r)
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// A load run must not call good what is not.
func TestLoadFindsFailures(t *testing.T) {
	const ok = "HTTP/1.0 200 OK\r\nServer: Rex/9.0\r\n\r\n"
	gap := append([]byte(ok), newScript(t).header().data(5).lose(1).data(5).b...)
	good := append([]byte(ok), newScript(t).header().data(10).b...)
	end := codec.AppendReason(append([]byte(nil), good...), 'E', 0)
	for _, c := range []struct {
		name    string
		answer  []byte
		hold    bool
		refused int64
		failed  int64
		faults  int64
		why     string
	}{
		{"refused", []byte("HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), true, 20, 0, 0, ""},
		{"closed at once", nil, false, 0, 20, 0, "closed by server"},
		{"closed later", good, false, 0, 20, 0, "closed by server"},
		{"no HTTP", []byte("SSH-2.0-OpenSSH\r\n\r\n"), true, 0, 20, 0, ""},
		{"ended", end, false, 0, 20, 0, "stream ended, reason 0x0"},
		{"gap", gap, true, 0, 0, 10, ""},
	} {
		addr := serveBytes(t, c.answer, c.hold)
		s := testLoad(t, loadOptions{urls: []string{"mmsh://" + addr + "/x"}})
		if s.verdict() == nil || s.Failed != c.failed || s.Refused != c.refused || s.faultCount() != c.faults {
			t.Errorf("%s: %d failed, %d refused, %d faults, want %d, %d, %d: %v",
				c.name, s.Failed, s.Refused, s.faultCount(), c.failed, c.refused, c.faults, s.Failures)
		}
		if c.refused > 0 && s.Refusals["503"] != c.refused {
			t.Errorf("%s: refusals %v", c.name, s.Refusals)
		}
		if c.why != "" && s.Failures[c.why] == 0 {
			t.Errorf("%s: failures %v, want %q", c.name, s.Failures, c.why)
		}
	}
}

func TestLoadNobodyListens(t *testing.T) {
	port, err := localPort()
	if err != nil {
		t.Fatal(err)
	}
	s := testLoad(t, loadOptions{urls: []string{"mmsh://" + place{Port: port}.host() + "/x"}})
	if s.Failed != 20 || s.Failures["connection refused"] != 20 || s.verdict() == nil {
		t.Errorf("%d failed: %v", s.Failed, s.Failures)
	}
}

func TestLoadReconnects(t *testing.T) {
	addr := serveBytes(t, append([]byte("HTTP/1.0 200 OK\r\n\r\n"), newScript(t).header().data(10).b...), false)
	s := testLoad(t, loadOptions{urls: []string{"mmsh://" + addr + "/x"}, reconnect: true, viewers: 5})
	if s.Failed != 0 || s.Returned < 5 || s.Returns["closed by server"] != s.Returned {
		t.Errorf("%d failed, %d returned: %v", s.Failed, s.Returned, s.Failures)
	}
}

// Time is an argument of inspect: late and silent viewers are found without waiting for them.
func TestInspect(t *testing.T) {
	born := time.Now()
	opt := &loadOptions{patience: 10 * time.Second, silence: 5 * time.Second}
	for _, c := range []struct {
		name         string
		v            viewer
		after        time.Duration
		late, silent int64
	}{
		{"waits", viewer{phase: asking}, 4 * time.Second, 0, 0},
		{"waits too long", viewer{phase: asking}, 11 * time.Second, 1, 0},
		{"connects too long", viewer{phase: connecting}, 11 * time.Second, 1, 0},
		{"hears", viewer{phase: watching, first: 1}, 4 * time.Second, 0, 0},
		{"hears no more", viewer{phase: watching, first: 1}, 6 * time.Second, 0, 1},
		{"stalled", viewer{phase: watching, role: stalled}, time.Hour, 0, 0},
	} {
		w := &worker{opt: opt, now: born.Add(c.after)}
		c.v.born, c.v.last, c.v.fd = born, born, -1
		w.inspect(&c.v)
		w.inspect(&c.v)
		if got := w.tally.failed.Load(); (got > 0) != (c.late > 0) {
			t.Errorf("%s: %d failed, want %d", c.name, got, c.late)
		}
		if got := w.tally.silent.Load(); got != c.silent {
			t.Errorf("%s: %d silent, want %d", c.name, got, c.silent)
		}
	}
}

func TestSampleCount(t *testing.T) {
	for _, c := range []struct {
		in         string
		viewers, n int
	}{{"1%", 2000, 20}, {"1%", 100, 8}, {"1%", 5, 5}, {"100%", 50, 50}, {"20", 10, 10}, {"20", 100, 20}, {"0", 100, 0}, {"2.5%", 1000, 25}} {
		if n, err := sampleCount(c.in, c.viewers); err != nil || n != c.n {
			t.Errorf("%s of %d: got %d, %v, want %d", c.in, c.viewers, n, err, c.n)
		}
	}
	for _, bad := range []string{"", "x", "-1", "101%", "-1%", "%"} {
		if n, err := sampleCount(bad, 100); err == nil {
			t.Errorf("%q: got %d", bad, n)
		}
	}
}

func TestRolesSpread(t *testing.T) {
	for _, c := range []struct{ viewers, samples int }{{100, 8}, {7, 7}, {2000, 20}, {10, 0}, {3, 1}} {
		l := &load{opt: loadOptions{viewers: c.viewers}, samples: c.samples}
		n := 0
		for i := range c.viewers {
			if l.roleOf(i) == sample {
				n++
			}
		}
		if n != c.samples {
			t.Errorf("%d of %d: got %d", c.samples, c.viewers, n)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, opt := range map[string]loadOptions{
		"no URL":         {viewers: 1, sample: "1"},
		"scheme":         {urls: []string{"ftp://127.0.0.1/x"}, viewers: 1, sample: "1", sources: 1},
		"no viewers":     {urls: []string{"http://127.0.0.1:1/x"}, sample: "1", sources: 1},
		"negative":       {urls: []string{"http://127.0.0.1:1/x"}, viewers: 10, herd: -5, sample: "1", sources: 1},
		"no source":      {urls: []string{"http://127.0.0.1:1/x"}, viewers: 1, sample: "1"},
		"too many files": {urls: []string{"http://127.0.0.1:1/x"}, viewers: 1 << 40, sample: "1", sources: 1},
		"sample":         {urls: []string{"http://127.0.0.1:1/x"}, viewers: 1, sample: "all", sources: 1},
	} {
		if _, err := newLoad(opt, io.Discard); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := newLoad(loadOptions{urls: []string{"http://127.0.0.1:1/x"}, viewers: 1 << 40, sample: "1", sources: 1}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "hard limit") {
		t.Errorf("descriptors: %v", err)
	}
}
