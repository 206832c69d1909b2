//go:build players

package e2e

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// serverOf is what HAProxy shows of its only server at a socket: status and weight.
func serverOf(t *testing.T, socket string) string {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "show stat\n")
	rows, err := csv.NewReader(c).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row[1] == "a" {
			return row[17] + " " + row[18]
		}
	}
	t.Fatalf("HAProxy has no server a: %q", rows)
	return ""
}

// HAProxy gives a pump as much as it has room for, nothing while it drains, and finds it again when it is back.
func TestAgentCheck(t *testing.T) {
	agent := freePort(t)
	keys := fmt.Sprintf("%s\nagent_check = %q\nmax_viewers = 4\n[timeouts]\ndrain = \"1m\"", trusting, agent)
	m := startMortal(t, keys, fileStream("demo", ""))
	waitLive(t, m.addr, streamPath("demo"))
	text := recipe{program: "haproxy", nth: 1}.text(t)
	host, port, _ := net.SplitHostPort(agent)
	socket := filepath.Join(t.TempDir(), "stats")
	text = "global\n    stats socket " + socket + "\n" + strings.NewReplacer("agent-addr 127.0.0.1 agent-port 8088",
		"agent-addr "+host+" agent-port "+port,
		"127.0.0.1:8086", m.addr, "agent-inter 2s", "agent-inter 100ms", "bind :80", "bind "+freePort(t)).Replace(text)
	needProgram(t, "haproxy", "haproxy")
	background(t, "haproxy", haproxy(t, text))
	shows := func(want string) {
		t.Helper()
		got := ""
		if !poll(patience, func() bool {
			if c, err := net.Dial("unix", socket); err == nil {
				c.Close()
				got = serverOf(t, socket)
			}
			return got == want
		}) {
			t.Fatalf("HAProxy shows %q, want %q", got, want)
		}
	}
	shows("no check 100")
	v := watch(t, m.addr, "demo", agentOld)
	shows("no check 75")
	m.cmd.Process.Signal(syscall.SIGTERM)
	shows("DRAIN (agent) 75")
	m.cmd.Process.Signal(syscall.SIGTERM)
	<-m.ended
	v.conn.Close()
	m.start(t)
	shows("no check 100")
}
