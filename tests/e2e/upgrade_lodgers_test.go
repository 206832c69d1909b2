package e2e

import (
	"fmt"
	"net"
	"net/http"
	"testing"
)

// Viewers with TLS whom an old process serves have their places in the new one, and in the next, until they go; and
// what they are sent counts there.
func TestUpgradeLodgersHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	cert, key, _ := selfSigned(t)
	secure := freeAddress(t, newHost())
	l := startLineage(t, pumpdProgram, "max_viewers = 3\n"+adminAnywhere, pushStream("live")+
		fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\n", secure, cert, key))
	admin := l.admin(t)
	startBench(t, append(append([]string(nil), synthetic...), l.pushURL("live"))...)
	waitLive(t, l.addr, streamPath("live"))
	stays := []*witness{watchOverTLS(t, secure), watchOverTLS(t, secure)}
	for range 2 {
		l.upgraded(t)
		for _, w := range stays {
			w.awaitMore(t, 10)
		}
	}
	before := admin.traffic(t, "live")
	if !poll(patience, func() bool { // also once to the old process
		now := admin.traffic(t, "live")
		in, out := now.in-before.in, now.out-before.out
		return in > 10e3 && out > 2.5*in
	}) {
		t.Error("what they are sent does not count")
	}
	join := func() (status int, conn net.Conn) {
		t.Helper()
		answer, conn, _, err := get(l.addr, streamPath("live"), agentOld, "Pragma: xPlayStrm=1\r\n")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return answer.StatusCode, conn
	}
	if status, _ := join(); status != http.StatusOK {
		t.Errorf("the third viewer is told %d", status)
	}
	if status, _ := join(); status != http.StatusServiceUnavailable {
		t.Errorf("the fourth viewer is told %d, want 503", status)
	}
	stays[0].conn.Close()
	if !poll(patience, func() bool {
		status, _ := join()
		return status == http.StatusOK
	}) {
		t.Error("one has gone, and nobody gets its place")
	}
	stays[1].awaitMore(t, 10)
	for _, w := range stays {
		checkWhole(t, w)
	}
	l.unharmed(t)
}

// A traffic is bytes of a stream, that came and that were sent to viewers.
type traffic struct{ in, out float64 }

func (m *mortal) traffic(t *testing.T, stream string) traffic {
	t.Helper()
	all, err := m.metrics()
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) float64 {
		return all[fmt.Sprintf("pumpd_stream_%s_bytes_total{stream=%q}", name, stream)]
	}
	return traffic{of("received"), of("sent")}
}
