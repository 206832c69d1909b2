package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// A pump that pushes its stream on is replaced three times: who watches at the other pump misses nothing, gets nothing
// twice and has one stream, whether that takes the push plain or over TLS, and however few encoders it takes. What is
// counted is counted on.
func TestUpgradeForwards(t *testing.T) {
	t.Parallel()
	const viewers = 5
	cert, key, print := selfSigned(t)
	refuses := func(path string) string { return farStream(path) + "on_second_push = \"refuse\"\n" }
	far := startMortal(t, "", refuses("plain")+refuses("secure")+fmt.Sprintf(
		"[tls]\nlisten = [\"127.0.0.1:0\"]\ncertificates = [{ cert = %q, key = %q }]\n", cert, key))
	secure := "https" + strings.TrimPrefix(forwardURL(far.tlsAddr(t), "secure"), "http")
	l := startLineage(t, pumpdProgram, adminAnywhere+"\n"+debugLog, forwardStream("live",
		fmt.Sprintf("forward_fingerprints = [%q]\n", print), forwardURL(far.addr, "plain"), secure))
	startBench(t, append(append([]string(nil), synthetic...), "http://"+l.addr+streamPath("live_push"))...)
	var checks []func()
	for _, path := range []string{"plain", "secure"} {
		waitLive(t, far.addr, streamPath(path))
		checks = append(checks, loaded(t, viewers, "mmsh://"+far.addr+streamPath(path)))
		far.awaitCounters(t, path, counters{Viewers: viewers, Joined: viewers, Generations: 1})
	}
	rises := []string{"pumpd_rounds_total", `pumpd_connections_ended_total{reason="client_closed"}`}
	for rank, url := range []string{forwardURL(far.addr, "plain"), secure} {
		shown := strings.Replace(url, "encoder:secret", "…", 1)
		label := fmt.Sprintf("{forward=\"%s\",rank=\"%d\",stream=\"live\"}", shown, rank)
		rises = append(rises, "pumpd_stream_forward_packets_total"+label)
	}
	before := make([]float64, len(rises))
	for range 3 {
		for i, name := range rises {
			now := l.admin(t).metric(t, name)
			if now < before[i] {
				t.Errorf("%s is %v, it was %v", name, now, before[i])
			}
			before[i] = now
		}
		came, err := far.metrics()
		if err != nil {
			t.Fatal(err)
		}
		l.upgraded(t)
		for _, path := range []string{"plain", "secure"} {
			name := fmt.Sprintf("pumpd_stream_received_packets_total{stream=%q}", path)
			if !poll(patience, func() bool { return far.metric(t, name) > came[name]+20 }) {
				t.Fatalf("%s does not rise", name)
			}
		}
	}
	for _, check := range checks {
		check()
	}
	for _, path := range []string{"plain", "secure"} {
		far.awaitCounters(t, path, counters{Joined: viewers, Generations: 1,
			Left: map[string]uint64{"client_closed": viewers}})
	}
	if text := l.log(t); strings.Count(text, "forward pushes") != 2 || strings.Contains(text, "level=ERROR") {
		t.Error("the log has more than two pushes begin, or an error")
	}
}
