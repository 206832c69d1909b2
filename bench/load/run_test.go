package load

import (
	"cmp"
	"context"
	"io"
	"testing"
	"time"

	"pumpd/bench/viewers"
	"pumpd/codec"
)

// testLoad is a short run of few viewers.
func testLoad(t *testing.T, opt Options) *Summary {
	t.Helper()
	opt.Duration, opt.Silence = max(opt.Duration, 200*time.Millisecond), 5*time.Second
	opt.Patience = cmp.Or(opt.Patience, 20*time.Second) // of a machine that has much to do
	opt.Sample, opt.Sources, opt.Drain = cmp.Or(opt.Sample, "50%"), 3, time.Millisecond
	if opt.Viewers == 0 {
		opt.Viewers = 20
	}
	s, err := Measure(context.Background(), opt, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fairLoad is testLoad for viewers of whom none is to be starved. Where a machine has much to do each of them gets its
// share in a longer window only.
func fairLoad(t *testing.T, opt Options) *Summary {
	t.Helper()
	s := testLoad(t, opt)
	for _, opt.Duration = range []time.Duration{time.Second, 5 * time.Second} {
		if s.SlowestPart >= starvedShare && s.Bytes > 0 {
			break
		}
		s = testLoad(t, opt)
	}
	return s
}

func TestLoadWatches(t *testing.T) {
	t.Parallel() // most of a run is waiting
	addr := serveSynth(t)
	for name, opt := range map[string]Options{
		"mmsh":               {URLs: []string{"mmsh://" + addr + "/x"}},
		"mmsh with describe": {URLs: []string{"mmsh://" + addr + "/x"}, Options: viewers.Options{Describe: true}},
		"http":               {URLs: []string{"http://" + addr + "/x"}},
		"http, metacube":     {URLs: []string{"http://" + addr + "/x.metacube"}}, // found by probes alone
		"all kinds": {
			URLs: []string{"mmsh://" + addr + "/x"}, Slow: 2, Stalled: 2, Churn: 20, Herd: 10, Duration: 2 * time.Second,
			HerdAt:  100 * time.Millisecond,
			Options: viewers.Options{SlowRate: 250e3},
		},
	} {
		s := testLoad(t, opt)
		if s.Failed+s.Silent+s.FaultCount() > 0 || s.Bytes == 0 {
			t.Errorf("%s: %v; %v; %s", name, s.Verdict(), s.Failures, s.FirstFault)
		}
		want := int64(opt.Slow + opt.Stalled + opt.Herd + 20)
		if opt.Churn > 0 {
			want = s.Watching // some are always on their way
		}
		if s.Watching != want || s.Sampled < 10 || s.Packets == 0 || !s.Stamped || s.Latency == nil || s.Joins == nil {
			t.Errorf("%s: %+v", name, s)
		}
		if opt.Herd > 0 && (s.HerdJoin == nil || s.HerdJoin.Count != 10 ||
			s.HerdPictures == nil || s.HerdPictures.Count < 8) {
			t.Errorf("%s: herd %+v, %+v", name, s.HerdJoin, s.HerdPictures)
		}
		if metacube := name == "http, metacube"; metacube != (s.Pictures == nil) ||
			!metacube && s.Pictures.Count < 10 {
			t.Errorf("%s: pictures %+v", name, s.Pictures)
		}
	}
}

// Viewers are replaced as fast as was asked for, be they few, all of the crowd, or all of the sample.
func TestLoadChurns(t *testing.T) {
	t.Parallel() // most of a run is waiting
	addr := serveSynth(t)
	for _, sample := range []string{"0", "50%", "20"} {
		s := testLoad(t, Options{
			URLs: []string{"mmsh://" + addr + "/x"}, Sample: sample, Churn: 40, Duration: time.Second,
		})
		if least := int64(20 + 10); s.Joins == nil || s.Joins.Count < least {
			t.Errorf("with %s that check: joins %+v, want at least %d", sample, s.Joins, least)
		}
	}
}

// A load run must not call good what is not.
func TestLoadFindsFailures(t *testing.T) {
	t.Parallel() // most of a run is waiting
	const ok = "HTTP/1.0 200 OK\r\nServer: Rex/9.0\r\n\r\n"
	gap := append([]byte(ok), mmshStream(t, 11, 5)...)
	good := append([]byte(ok), mmshStream(t, 10, -1)...)
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
		s := testLoad(t, Options{URLs: []string{"mmsh://" + addr + "/x"}})
		if s.Verdict() == nil || s.Failed != c.failed || s.Refused != c.refused || s.FaultCount() != c.faults {
			t.Errorf("%s: %d failed, %d refused, %d faults, want %d, %d, %d: %v",
				c.name, s.Failed, s.Refused, s.FaultCount(), c.failed, c.refused, c.faults, s.Failures)
		}
		if c.refused > 0 && (s.Refusals["503"] != c.refused || s.RefusalTimes.Count != c.refused) {
			t.Errorf("%s: refusals %v, %+v", c.name, s.Refusals, s.RefusalTimes)
		}
		if c.why != "" && s.Failures[c.why] == 0 {
			t.Errorf("%s: failures %v, want %q", c.name, s.Failures, c.why)
		}
	}
}

func TestLoadNobodyListens(t *testing.T) {
	t.Parallel()
	s := testLoad(t, Options{URLs: []string{"mmsh://127.0.0.1:1/x"}})
	if s.Failed != 20 || s.Failures["connection refused"] != 20 || s.Verdict() == nil {
		t.Errorf("%d failed: %v", s.Failed, s.Failures)
	}
}

func TestLoadReconnects(t *testing.T) {
	t.Parallel() // most of a run is waiting
	addr := serveBytes(t, append([]byte("HTTP/1.0 200 OK\r\n\r\n"), mmshStream(t, 10, -1)...), false)
	s := testLoad(t, Options{
		URLs: []string{"mmsh://" + addr + "/x"}, Viewers: 5,
		Options: viewers.Options{Reconnect: true, Patience: 2 * time.Second}, // all of which the ramp takes
	})
	if s.Failed != 0 || s.Returned < 5 || s.Returns["closed by server"] != s.Returned {
		t.Errorf("%d failed, %d returned: %v", s.Failed, s.Returned, s.Failures)
	}
}
