package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// silenceTime is how long a source is stopped: its connections stay open and say nothing. Given shortTimeouts it is
// longer than what a pump waits for anything but an encoder, and than the 5 s after which another one may come
// (push.md §7).
const silenceTime = 6 * time.Second

const shortTimeouts = "[timeouts]\nrequest_head = \"2s\"\nstall = \"2s\"\npull_stall = \"2s\"\n"

// awaitSilence waits until a process that was paused at since has been silent for so long.
func awaitSilence(since time.Time, long time.Duration) { <-time.After(time.Until(since.Add(long))) }

// An encoder that stops for less than source_idle goes on as if nothing had been, and not a packet is lost.
func TestEncoderStopped(t *testing.T) {
	t.Parallel()
	m := startMortal(t, shortTimeouts, pushStream("live"))
	e := startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	awaitAllMore(t, all, 20)
	e.pause()
	awaitSilence(time.Now(), silenceTime)
	m.awaitState(t, "live", "live")
	e.resume()
	awaitAllMore(t, all, 20+int(silenceTime/(56*time.Millisecond)))
	for _, w := range all {
		checkWhole(t, w)
	}
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// One that stops for longer is told 408 and closed; viewers wait for the next one. When it wakes up it learns what has
// become of it and disturbs nobody.
func TestEncoderStoppedForTooLong(t *testing.T) {
	t.Parallel()
	const idle = 10 * time.Second // it may not be less
	m := startMortal(t, shortTimeouts+"source_idle = \"10s\"\n", pushStream("live"))
	first := startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	awaitAllMore(t, all, 20)
	stopped := time.Now()
	first.pause()
	m.awaitState(t, "live", "orphaned")
	if took := time.Since(stopped); took < idle*9/10 {
		t.Errorf("the encoder was given up after %v, source_idle is %v", took, idle)
	}
	second := startEncoder(t, m, "live", synthetic)
	awaitAllMore(t, all, 20)
	awaitSilence(stopped, idle+2*time.Second)
	first.resume()
	select {
	case <-first.ended:
	case <-time.After(awaitTime):
		t.Fatalf("the first encoder still runs %v after it woke up", awaitTime)
	}
	if out := first.out.tail(10); !strings.Contains(out, "408") && !strings.Contains(out, "reset") &&
		!strings.Contains(out, "broken pipe") {
		t.Errorf("the first encoder was not told 408, and its connection was not closed: %s", out)
	}
	awaitAllMore(t, all, 20)
	for _, w := range all {
		a, _ := w.account()
		if parts := runs(a.seen); len(parts) != 2 || len(a.heads) != 1 {
			t.Errorf("%s: %s, %d headers; want two runs, one header", w.name, describeRuns(parts), len(a.heads))
		} else {
			checkMoved(t, w.name, parts[0], parts[1])
		}
	}
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
	m.awaitMetric(t, `pumpd_connections_ended_total{reason="source_silent"}`, 1)
	select {
	case <-second.ended:
		t.Errorf("the second encoder ended: %v", second.err)
	default:
	}
}

// A pull gives a silent upstream up after pull_stall and comes back to it when it speaks again.
func TestUpstreamStopped(t *testing.T) {
	t.Parallel()
	up, addr := startOrigin(t)
	m := startMortal(t, shortTimeouts+"source_grace = \"60s\"\n", pullStream("pulled", "mmsh://"+addr+
		"/live"))
	waitLive(t, m.addr, streamPath("pulled"))
	all := startWitnesses(t, m.addr, "pulled")
	awaitAllMore(t, all, 20)
	stopped := time.Now()
	up.pause()
	m.awaitState(t, "pulled", "orphaned")
	awaitSilence(stopped, silenceTime)
	up.resume()
	awaitAllMore(t, all, 20)
	m.awaitState(t, "pulled", "live")
	m.awaitCounters(t, "pulled", counters{Viewers: 4, Joined: 4, Generations: 1})
	for _, w := range all {
		checkForward(t, w)
	}
}

var serving = regexp.MustCompile(`^serving mmsh://([0-9.:]+)/`)

// startOrigin runs a synthetic source that listens to be pulled from.
func startOrigin(t *testing.T) (p *process, addr string) {
	t.Helper()
	p = startBench(t, append(append([]string(nil), synthetic...), "-serve", "127.0.0.1:0")...)
	if !poll(awaitTime, func() bool {
		lines, _ := p.out.lines()
		for _, l := range lines {
			if found := serving.FindStringSubmatch(l.text); found != nil {
				addr = found[1]
			}
		}
		return addr != ""
	}) {
		t.Fatal("bench push -serve does not say where it serves")
	}
	return p, addr
}
