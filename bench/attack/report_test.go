package attack

import (
	"strings"
	"testing"
	"time"

	"pumpd/bench/latency"
)

// good is a report with every target met, just so.
func good() *Report {
	phase := Phase{
		Seconds: 10, Latency: &latency.Spread{P50: 3, P99: 8, Count: 1000},
		Joins: &latency.Spread{P50: 4, P99: 9, Max: 12, Count: 100}, Came: 100,
		Peak: Use{CPU: 1.25, RSS: 22e6, Descriptors: 450},
	}
	r := &Report{
		Kind: via, Options: Options{Viewers: 400, Targets: Targets{Latency: 2, Join: 2 * time.Second, Growth: 0.05}},
		Before: phase, During: phase, After: phase,
		Deeds:   Deeds{Connections: 16, Requests: 500, Answers: map[string]int64{"431": 499, "reset": 1}, Seconds: 10},
		Checked: 500, Packets: 1e6, Base: Use{RSS: 20e6, Descriptors: 400}, Left: Use{RSS: 21e6, Descriptors: 420}, Took: 1.5,
	}
	r.During.Latency = &latency.Spread{P50: 5, P99: 16, Count: 850}
	r.During.Joins = &latency.Spread{P50: 4, P99: 9, Max: 2000, Count: 100}
	return r
}

func TestProblems(t *testing.T) {
	if problems := good().Problems(); len(problems) > 0 {
		t.Errorf("good: %q", problems)
	}
	for want, spoil := range map[string]func(r *Report){
		"nobody attacked":      func(r *Report) { r.Deeds.Connections = 0 },
		"2 × gap, first gap 3": func(r *Report) { r.Faults, r.FirstFault = map[string]int64{"gap": 2}, "gap 3" },
		"1 honest viewers were closed or froze: 1 × closed by server": func(r *Report) {
			r.During.Lost, r.Failures = 1, map[string]int64{"closed by server": 1}
		},
		"honest viewers were closed":       func(r *Report) { r.After.Lost = 1 },
		"no packets came":                  func(r *Report) { r.During.Latency, r.Before.Latency = nil, nil },
		"p99 16.1 ms, 2.0 times":           func(r *Report) { r.During.Latency.P99 = 16.1 },
		"85 packets a second where":        func(r *Report) { r.During.Latency.Count = 849 },
		"3 of 100 newcomers had no stream": func(r *Report) { r.During.Without = 3 },
		"took 2001 ms, at most 2000":       func(r *Report) { r.During.Joins.Max = 2001 },
		"21.1 MB and 420 descriptors 2 s":  func(r *Report) { r.Left.RSS = 21.1e6 },
		"21.0 MB and 421 descriptors":      func(r *Report) { r.Left.Descriptors = 421 },
		"did not end when it was told to":  func(r *Report) { r.Stubborn = true },
	} {
		r := good()
		spoil(r)
		if problems := strings.Join(r.Problems(), "; "); !strings.Contains(problems, want) {
			t.Errorf("got %q, want %q", problems, want)
		}
	}
}

func TestPrint(t *testing.T) {
	r := good()
	r.During.Without, r.During.Others = 3, 0.2
	var b strings.Builder
	r.Print(&b)
	PrintTable(&b, []*Report{r})
	for _, want := range []string{
		"16 connections, 500 requests (50 a second) in 10.0 s, 0.0 CPU s; 499 × 431, 1 × reset\n",
		"400 viewers, 500 checked with newcomers, 1000000 packets: 0 gaps; 0 disconnects\n",
		"latency     3.0 / 8.0 ms               5.0 / 16.0 ms              3.0 / 8.0 ms\n",
		"4.0 / 9.0 / 2000.0 ms (3 none)",
		"CPU         1.25 s ",
		"0 % of the machine         20 % of the machine ",
		"note        other programs",
		"left        21.0 MB, 420 descriptors 1.5 s after the attack; before it 20.0 and 400\n",
		"verdict     BAD: 3 of 100 newcomers had no stream\n",
		"| via | 16 | 50 | 3.0 / 8.0 ms | 5.0 / 16.0 ms | 3.0 / 8.0 ms | 0 gaps, 0 | 4.0 / 9.0 / 2000.0 ms |" +
			" 20.0, 22.0, 21.0 MB | 400, 450, 420 | **bad** |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestOptionsCheck(t *testing.T) {
	fine := Options{Viewers: 2, Newcomers: 1, Window: time.Second, Scale: 1}
	if err := fine.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(o *Options){
		"viewers":   func(o *Options) { o.Viewers = 1 },
		"newcomers": func(o *Options) { o.Newcomers = 0 },
		"duration":  func(o *Options) { o.Window = 0 },
		"scale":     func(o *Options) { o.Scale = 0 },
		"-pid":      func(o *Options) { o.URL = "mmsh://h/x" },
		"settings":  func(o *Options) { o.URL, o.PID, o.Settings = "mmsh://h/x", 1, []string{"a = 1"} },
		"-url":      func(o *Options) { o.SecureURL = "mmshs://h/x" },
	} {
		o := fine
		spoil(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewVictim(t *testing.T) {
	v, err := newVictim("mmsh://pump:8086/streams/a%20b", "mmshs://pump:8089/streams/a", 0.5)
	if err != nil || v.Plain != "pump:8086" || v.Secure != "pump:8089" || v.Path != "/streams/a%20b" {
		t.Errorf("%+v, %v", v, err)
	}
	if v.scaled(16) != 8 || v.scaled(1) != 1 {
		t.Errorf("half of 16 is %d", v.scaled(16))
	}
	for _, bad := range [][2]string{{"", ""}, {"pump", ""}, {"mmsh://pump/x", "pump"}} {
		if _, err := newVictim(bad[0], bad[1], 1); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}
