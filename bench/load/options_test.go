package load

import (
	"io"
	"strings"
	"testing"

	"pumpd/bench/viewers"
)

func TestSampleCount(t *testing.T) {
	for _, c := range []struct {
		in         string
		viewers, n int
	}{
		{"1%", 2000, 20}, {"1%", 100, 8}, {"1%", 5, 5}, {"100%", 50, 50}, {"20", 10, 10}, {"20", 100, 20}, {"0", 100, 0},
		{"2.5%", 1000, 25},
	} {
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
		l := &run{opt: Options{Viewers: c.viewers}, samples: c.samples}
		n := 0
		for i := range c.viewers {
			if l.roleOf(i) == viewers.Sample {
				n++
			}
		}
		if n != c.samples {
			t.Errorf("%d of %d: got %d", c.samples, c.viewers, n)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, opt := range map[string]Options{
		"no URL": {Viewers: 1, Sample: "1"},
		"scheme": {
			URLs: []string{"ftp://127.0.0.1/x"}, Viewers: 1, Sample: "1", Options: viewers.Options{Sources: 1},
		},
		"no viewers": {URLs: []string{"http://127.0.0.1:1/x"}, Sample: "1", Options: viewers.Options{Sources: 1}},
		"negative": {
			URLs: []string{"http://127.0.0.1:1/x"}, Viewers: 10, Herd: -5, Sample: "1", Options: viewers.Options{Sources: 1},
		},
		"no source": {URLs: []string{"http://127.0.0.1:1/x"}, Viewers: 1, Sample: "1"},
		"too many files": {
			URLs: []string{"http://127.0.0.1:1/x"}, Viewers: 1 << 40, Sample: "1", Options: viewers.Options{Sources: 1},
		},
		"sample": {
			URLs: []string{"http://127.0.0.1:1/x"}, Viewers: 1, Sample: "all", Options: viewers.Options{Sources: 1},
		},
	} {
		if _, err := newRun(opt, io.Discard); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := newRun(Options{
		URLs: []string{"http://127.0.0.1:1/x"}, Viewers: 1 << 40, Sample: "1", Options: viewers.Options{Sources: 1},
	}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "hard limit") {
		t.Errorf("descriptors: %v", err)
	}
}
