package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParsePoints(t *testing.T) {
	got, err := parsePoints(defaultPoints)
	want := []point{{"P1", 2000, 300e3, 1400}, {"P2", 1000, 2e6, 8192}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "2000x300k", "ax300kx1400", "1xyx1", "1x1xz", "1x1x1x1"} {
		if got, err := parsePoints(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestParseSettings(t *testing.T) {
	got := parseSettings("merge=auto; merge=100ms,engine=io_uring;")
	want := [][]string{{`merge = "auto"`}, {`merge = "100ms"`, `engine = "io_uring"`}, nil}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMedian(t *testing.T) {
	of := func(m measure) float64 { return m.p50 }
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, -1}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		var rounds []measure
		for _, v := range c.in {
			rounds = append(rounds, measure{p50: v})
		}
		if got := median(rounds, of); got != c.want {
			t.Errorf("%v: got %v, want %v", c.in, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	at := point{"P1", 2000, 300e3, 1400}
	c := comparison{opt: compareOptions{points: []point{at}, rounds: 1}, missing: []string{"Cubemap: cubemap is not installed"}}
	c.cells = []*cell{
		{point: at, name: floorName, rounds: []measure{{secondsPerGB: 2, microsASend: 8, bitRate: 6e8}}},
		{point: at, name: "pumpd", rounds: []measure{{secondsPerGB: 3, bitRate: 6e8, p50: 50, p99: 101.6, rss: 21e6, served: true}}},
		{point: at, name: "Icecast", rounds: []measure{{secondsPerGB: 7, bitRate: 5e8, p50: -1, p99: -1, rss: 9e6, failed: 3, faults: 2, served: true}}},
		{point: at, name: "Gone"},
	}
	var b strings.Builder
	c.print(&b)
	for _, want := range []string{
		"**P1**: 2000 viewers × 300 kbit/s, packets of 1400 bytes\n",
		"| floor (bare send), 8.0 µs a send | 2.00 | 1.00 | – | – | 600 Mbit/s | – | – |\n",
		"| pumpd | 3.00 | 1.50 | 50 / 102 ms | 21 MB | 600 Mbit/s | 0 | 0 |\n",
		"| Icecast | 7.00 | 3.50 | ? / ? ms | 9 MB | 500 Mbit/s | 3 | 2 |\n",
		"Could not run Cubemap: cubemap is not installed\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Gone") {
		t.Error("a row for what was not measured")
	}
	if err := c.verdict(); err != nil {
		t.Errorf("others' failures: %v", err)
	}
	c.cells[1].rounds[0].faults = 1
	if c.verdict() == nil {
		t.Error("pumpd's fault is no error")
	}
}

// Every config template must fill; what is left out would show as "<no value>".
func TestPeerConfigs(t *testing.T) {
	for _, p := range []*peer{pumpdPeer("pumpd", []string{`merge = "100ms"`}), cubemapPeer(), icecastPeer()} {
		at, err := p.settle()
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(at.Dir)
		name, err := p.writeConfig(at)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), "<no value>") || !strings.Contains(string(b), fmt.Sprint(at.Port)) {
			t.Errorf("%s: %v\n%s", p.name, err, b)
		}
	}
}

func TestMissingPeer(t *testing.T) {
	p := &peer{name: "none", binary: "no-such-server"}
	if _, err := p.start(); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("got %v", err)
	}
}

// Blocks that Cubemap 1.4.3 accepts.
func TestMetacube(t *testing.T) {
	for _, c := range []struct {
		flags uint16
		body  string
		want  string
	}{
		{metacubeHeader, "hello", "63756265216d6170" + "00000005" + "0001" + "f5d7" + "68656c6c6f"},
		{metacubeNoStart, "", "63756265216d6170" + "00000000" + "0002" + "449f"},
	} {
		if got := hex.EncodeToString(appendMetacube(nil, c.flags, []byte(c.body))); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestFloorDue(t *testing.T) {
	o := floorOptions{bitrate: 300e3, packet: 1400, merge: 100 * time.Millisecond}
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 0}, {37 * time.Millisecond, 0}, {38 * time.Millisecond, 1}, {time.Second, 26}, {56 * time.Second, 1500}} {
		if got := o.dueAt(c.at); got != c.want {
			t.Errorf("after %s: got %d packets, want %d", c.at, got, c.want)
		}
	}
	o.merge = 0
	for n := range 2000 { // each packet as it comes: exactly one more each time
		if got := o.dueAt(time.Duration(n) * o.interval()); got < n-1 || got > n {
			t.Fatalf("interval %d: %d packets", n, got)
		}
	}
}
