package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// visited is what a JSON access log has of one viewer, and how many whole lines.
func visited(t *testing.T, file, agent string) (last map[string]any, lines int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v: %q", file, err, line)
		}
		if v["agent"] == agent {
			last = v
			lines++
		}
	}
	return last, lines
}

// A viewer is a line when it leaves, and lines before that, so that a pump that is killed loses no more than the last
// of them. SIGUSR1 ends nothing and has the log go on in a new file.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "access.log")
	m := startMortal(t, fmt.Sprintf("access_log = %q\naccess_format = \"json\"\naccess_interval = \"1s\"\n", file),
		fileStream("demo", ""))
	waitLive(t, m.addr, streamPath("demo"))
	v := watch(t, m.addr, "demo", agentOld)
	if _, err := v.packet(0); err != nil {
		t.Fatal(err)
	}
	v.conn.Close()
	left := func(file string) func() bool {
		return func() bool { last, _ := visited(t, file, agentOld); return last["event"] == "left" }
	}
	if !poll(patience, left(file)) {
		t.Fatal("no line of a viewer that has left")
	}
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		m.cmd.Process.Signal(syscall.SIGUSR1)
	}
	v = watch(t, m.addr, "demo", agentOld)
	watching := func() bool {
		last, n := visited(t, file, agentOld)
		return n >= 2 && last["event"] == "watching" && last["bytes"].(float64) > 0
	}
	if !poll(patience, watching) {
		t.Fatal("no lines of a viewer that watches, in the new file")
	}
	if _, err := v.packet(0); err != nil {
		t.Fatal(err)
	}
	m.kill9()
	if !watching() || !left(file+".1")() {
		t.Error("the crash has cost lines that were there")
	}
}

// On standard output the access log is alone.
func TestAccessLogOnStdout(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "pump.toml")
	configure(t, config, "access_log = \"stdout\"\naccess_format = \"w3c\"", fileStream("demo", ""))
	out := newTranscript()
	cmd := exec.Command(mustBuild(t, pumpdProgram), "-c", config)
	cmd.Stdout = out
	proc, err := startProcess("pumpd", cmd, newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	p := &pump{process: proc}
	t.Cleanup(func() { p.close(t) })
	addr := p.waitListening(t)
	waitLive(t, addr, streamPath("demo"))
	watch(t, addr, "demo", agentOld).conn.Close()
	var got []string
	poll(patience, func() bool {
		lines, _ := out.lines()
		got = nil
		for _, l := range lines {
			got = append(got, l.text)
		}
		return strings.Contains(strings.Join(got, "\n"), agentOld)
	})
	if len(got) < 5 || got[0][:11] != "#Software: " || !strings.HasPrefix(got[3], "#Fields: c-ip date") {
		t.Fatalf("got %q, want a header and a line", got)
	}
	for _, line := range got[4:] {
		if n := len(strings.Fields(line)); n != len(strings.Fields(got[3]))-1 {
			t.Errorf("%d fields: %q", n, line)
		}
	}
}
