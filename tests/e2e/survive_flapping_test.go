package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// flapTime is how long the upstream flaps: PUMPD_FLAP_TIME, which "make test" sets to a minute, or three cuts.
func flapTime(t *testing.T) time.Duration {
	t.Helper()
	s := os.Getenv("PUMPD_FLAP_TIME")
	if s == "" {
		return 3 * 2 * flapEvery
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 5*time.Second {
		t.Fatalf("PUMPD_FLAP_TIME=%q, want a duration of 5s or more", s)
	}
	return d
}

const (
	flapEvery   = 2 * time.Second // the upstream is there for so long, then away for so long
	flapViewers = 1000
	flapMemory  = 20e6 // bytes that the pump may grow by
)

// The upstream of a pump with a thousand viewers comes and goes every two seconds. None of them is closed, none misses
// a packet, and the pump does not grow.
func TestUpstreamFlaps(t *testing.T) {
	t.Parallel()
	long := flapTime(t)
	up := startMortal(t, "burst = \"20s\"\nmax_lag = \"30s\"", pushStream("live"))
	startEncoder(t, up, "live", []string{"push", "-synthetic", "-bitrate", "64k", "-packet", "700", "-gop", "500ms"})
	waitLive(t, up.addr, streamPath("live"))
	l := startLink(t, up.addr, shape{})
	m := startMortal(t, "", pullStream("pulled", "mmsh://"+l.addr+streamPath("live")))
	waitLive(t, m.addr, streamPath("pulled"))
	all := startWitnesses(t, m.addr, "pulled")

	result := filepath.Join(t.TempDir(), "load.json")
	load := startBench(t, "load", "-quiet", "-n", strconv.Itoa(flapViewers), "-sample", "16", "-settle", "0s", "-drain",
		"20ms",
		"-silence", "30s", "-patience", "1m", "-duration", "1h", "-json", result, m.url("mmsh", "pulled"))
	viewers := int64(flapViewers + len(all))
	if !poll(2*awaitTime, func() bool {
		s, err := m.status("pulled")
		return err == nil && s.Viewers == viewers
	}) {
		checkLoad(t, load, result)
		t.Fatal("not all are there")
	}
	awaitAllMore(t, all, 10)
	before := m.metric(t, "process_resident_memory_bytes")
	cuts := flap(l, long)
	awaitAllMore(t, all, 10)
	m.awaitCounters(t, "pulled", counters{Viewers: viewers, Joined: uint64(viewers), Generations: 1})
	after := m.metric(t, "process_resident_memory_bytes")
	t.Logf("%d cuts; the pump had %.1f MB, has %.1f MB", cuts, before/1e6, after/1e6)
	if after-before > flapMemory {
		t.Errorf("the pump has grown from %.1f to %.1f MB, limit %.0f MB more", before/1e6, after/1e6, flapMemory/1e6)
	}
	for _, w := range all {
		checkWhole(t, w)
	}
	checkLoad(t, load, result)
}

// flap lets the link come and go for so long; in the end it is there.
func flap(l *link, long time.Duration) (cuts int) {
	tick := time.NewTicker(flapEvery)
	defer tick.Stop()
	for late := time.Now().Add(long); time.Now().Before(late); cuts++ {
		l.cut(cuts%2 == 0)
		<-tick.C
		l.allow()
		<-tick.C
	}
	return cuts
}

// checkLoad ends a run of bench load, in which no viewer may have failed and no byte been wrong.
func checkLoad(t *testing.T, load *process, file string) {
	t.Helper()
	load.cmd.Process.Signal(os.Interrupt)
	select {
	case <-load.ended:
	case <-time.After(awaitTime):
		t.Fatal("bench load does not end")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; bench load: %v", err, load.err)
	}
	var r struct {
		Failed, Silent, Sampled, Watching int64
		Failures                          map[string]int64
		Packets                           int64 `json:"packets_checked"`
		Faults                            map[string]int64
		FirstFault                        string `json:"first_fault"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	// Whether all had their share, which its exit code tells as well, is for a machine that has nothing else to do.
	if r.Failed != 0 || r.Silent != 0 || len(r.Faults) != 0 || r.Watching != flapViewers ||
		r.Packets == 0 {
		t.Errorf("bench load: %v, %+v; want nothing failed and no fault", load.err, r)
	}
}
