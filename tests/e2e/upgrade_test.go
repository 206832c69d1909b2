package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// loaded runs bench load on a URL until what it gives is called, which wants that nobody has noticed anything.
func loaded(t *testing.T, viewers int, url string, more ...string) (check func()) {
	t.Helper()
	result := filepath.Join(t.TempDir(), "load.json")
	args := append([]string{"load", "-quiet", "-n", strconv.Itoa(viewers), "-sample", "100%", "-settle", "0s", "-duration",
		"10m", "-silence", "15s", "-patience", "1m", "-json", result}, more...)
	load := startTool(t, "bench load", exec.Command(mustBuild(t, benchProgram), append(args, url)...))
	return func() {
		t.Helper()
		load.cmd.Process.Signal(os.Interrupt)
		<-load.ended
		var r struct {
			Failed, Silent, Watching int64
			Packets                  int64 `json:"packets_checked"`
			Faults                   map[string]int64
			FirstFault               string `json:"first_fault"`
		}
		b, err := os.ReadFile(result)
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		if err != nil {
			t.Fatalf("%v; bench load: %v", err, load.err)
		}
		if r.Failed+r.Silent != 0 || len(r.Faults) != 0 || r.Watching != int64(viewers) || r.Packets == 0 {
			t.Errorf("%s: %+v; want %d watching, and no fault", url, r, viewers)
		}
	}
}

// Nobody notices that another process takes over, and another one from that, with more loops and with fewer: viewers of
// all kinds miss nothing and get nothing twice, the encoder pushes on, and the pull goes on.
func TestUpgradeUnnoticed(t *testing.T) {
	t.Parallel()
	const viewers = 10
	cert, key, _ := selfSigned(t)
	above := startPump(t, "", pushStream("live"))
	secure := freeAddress(t, newHost())
	settings := func(loops int) string { return fmt.Sprintf("log_level = \"debug\"\nloops = %d\n", loops) }
	more := fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\n", secure, cert, key) +
		pushStream("live") + fmt.Sprintf("[[streams]]\npath = \"pulled\"\ntype = \"mmsh_pull\"\nurl = %q\n",
		above.url("mmsh", "live"))
	l := startLineage(t, pumpdProgram, settings(2), more)
	for _, addr := range []string{l.addr, above.addr} {
		startTool(t, "bench push", exec.Command(mustBuild(t, benchProgram), "push", "-synthetic", "-gop", "500ms",
			"http://"+addr+streamPath("live_push")))
	}
	waitLive(t, l.addr, streamPath("live"))
	waitLive(t, l.addr, streamPath("pulled"))
	checks := []func(){
		loaded(t, viewers, "mmsh://"+l.addr+streamPath("live")),
		loaded(t, viewers, "http://"+l.addr+streamPath("live")),
		loaded(t, viewers, "mmsh://"+l.addr+streamPath("live"), "-agent", "NSServer/9.0"),
		loaded(t, viewers, "mmsh://"+l.addr+streamPath("pulled")),
		loaded(t, viewers, "mmshs://"+secure+streamPath("live")),
		loaded(t, viewers, "mmshs://"+secure+streamPath("pulled")),
	}
	l.joined(t, viewers*len(checks))
	for _, loops := range []int{2, 3, 1, 2} {
		reconfigure(t, l.config, settings(loops))
		if out, err := l.upgrade(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		checks = append(checks, loaded(t, viewers, "mmsh://"+l.addr+streamPath("live")))
		l.joined(t, viewers*len(checks))
	}
	for _, check := range checks {
		check()
	}
	for _, bad := range []string{"level=ERROR", "panic", "source lost"} {
		if text := l.log(t); strings.Contains(text, bad) {
			t.Errorf("the log has %q", bad)
		}
	}
}

// reconfigure puts another [server] into a configuration.
func reconfigure(t *testing.T, file, server string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(string(text), "log_level")
	end := strings.Index(string(text), "[tls]")
	if begin < 0 || end < 0 {
		t.Fatalf("no place in %s", text)
	}
	if err := os.WriteFile(file, []byte(string(text[:begin])+server+"\n"+string(text[end:])), 0o644); err != nil {
		t.Fatal(err)
	}
}

// joined waits until so many have their stream, in all processes together.
func (l *lineage) joined(t *testing.T, n int) {
	t.Helper()
	if !poll(awaitTime, func() bool { return strings.Count(l.log(t), `msg="viewer joined"`) >= n }) {
		t.Fatalf("fewer than %d viewers have joined", n)
	}
}

// freeAddress is a port of a host that nobody else takes.
func freeAddress(t *testing.T, host string) string {
	t.Helper()
	ln, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// Whichever of the two processes is killed, and at whatever stage: up to the commit the old one goes on as if nothing
// had been, or is gone as any pump is that was killed; behind it the new one serves, or is gone.
func TestUpgradeKilled(t *testing.T) {
	for _, stage := range []string{"loading", "prepared", "taking", "taken"} {
		t.Run("new, "+stage, func(t *testing.T) {
			t.Parallel()
			l, check := startKilled(t, stage)
			if out, err := l.upgrade(); err == nil {
				t.Errorf("an upgrade succeeds whose new process is killed: %s", out)
			}
			l.says(t, `upgrade: nothing has changed`)
			l.setFault(t, "")
			if out, err := l.upgrade(); err != nil {
				t.Errorf("the next upgrade: %v\n%s", err, out)
			}
			check()
		})
	}
	for _, stage := range []string{"starting", "greeting", "freezing", "sending"} {
		t.Run("old, "+stage, func(t *testing.T) {
			t.Parallel()
			l, _ := startKilled(t, stage)
			l.upgrade()
			<-l.ended
			l.setFault(t, "")
			if !poll(patience, func() bool {
				c, err := net.DialTimeout("tcp", l.addr, time.Second)
				if err == nil {
					c.Close()
				}
				return err != nil
			}) {
				t.Error("somebody listens whom nobody has told that all is its own")
			}
		})
	}
	t.Run("old, committed", func(t *testing.T) {
		t.Parallel()
		l, check := startKilled(t, "committed")
		l.upgrade()
		<-l.ended
		l.says(t, `msg="upgrade: taken over"`)
		check()
	})
}

// startKilled runs a pump with viewers whose processes are killed at a stage of an upgrade.
func startKilled(t *testing.T, stage string) (l *lineage, check func()) {
	t.Helper()
	const viewers = 5
	l = startLineage(t, faultyProgram, debugLog, pushStream("live"))
	startTool(t, "bench push", exec.Command(mustBuild(t, benchProgram), "push", "-synthetic", "-gop", "500ms",
		"http://"+l.addr+streamPath("live_push")))
	waitLive(t, l.addr, streamPath("live"))
	check = loaded(t, viewers, "mmsh://"+l.addr+streamPath("live"))
	l.joined(t, viewers)
	l.setFault(t, stage+":kill")
	return l, check
}

// debugLog is for tests that wait for what is not told otherwise.
const debugLog = `log_level = "debug"`
