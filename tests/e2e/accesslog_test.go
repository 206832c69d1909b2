package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	if !poll(patience, func() bool { _, err := os.Stat(file); return err == nil }) {
		t.Fatal("SIGUSR1 does not have the log go on in a new file")
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

// reportAsWMP plays a pump's stream demo as Windows Media Player does, leaves, and says how it went: it waited four
// times, for 17 s.
func reportAsWMP(t *testing.T, m *mortal) {
	t.Helper()
	answer, conn, _, err := get(m.addr, streamPath("demo"), agentWMP, "Pragma: xPlayStrm=1\r\n")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	id := regexp.MustCompile(`client-id=\d+`).FindString(strings.Join(answer.Header["Pragma"], ","))
	conn.Close()
	const line = "0.0.0.0 2026-11-27 10:00:00 - http://pump.example/streams/demo 0 104 1 200 " +
		"{3300AD50-2C39-46c0-AE0A-E7FA4ACEB316} 12.0.7601.17514 en-US WMFSDK/12.0.7601.17514_WMPlayer/12.0.7601.17514 - " +
		"wmplayer.exe 12.0.7601.17514 Windows 6.1.0.7601 Pentium 0 0 635259 http TCP Windows_Media_Audio_9 " +
		"Windows_Media_Video_9 - - 8220209 - 1235 3 5 2 0 2 1 4 17 99 - - - -"
	post, err := http.NewRequest(http.MethodPost, "http://"+m.addr+streamPath("demo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	post.Header = http.Header{"User-Agent": {agentWMP}, "Pragma": {id, "log-line=" + line}}
	if answer, err = http.DefaultClient.Do(post); err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%v, %v for a report, want 204", answer, err)
	}
	answer.Body.Close()
}

// Windows Media Player stops, and says on another connection how the stream came to it: in a field of the head, since
// we call ourselves Rex. That stands in its line of the access log, and in the metrics. Before, a reload has the log go
// elsewhere.
func TestPlayerReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := startMortal(t, fmt.Sprintf("access_log = %q\naccess_format = \"json\"\n", filepath.Join(dir, "json")),
		fileStream("demo", ""))
	waitLive(t, m.addr, streamPath("demo"))
	watch(t, m.addr, "demo", agentOld).conn.Close()
	before := filepath.Join(dir, "json")
	gone := func() bool {
		_, n := visited(t, before, agentOld)
		return n == 1
	}
	if !poll(patience, gone) {
		t.Fatal("no line of the first viewer in the log from before")
	}
	file := filepath.Join(dir, "w3c")
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.config, bytes.ReplaceAll(text, []byte("json\""), []byte("w3c\"")), 0o644); err != nil {
		t.Fatal(err)
	}
	m.cmd.Process.Signal(syscall.SIGHUP)
	m.says(t, "keys=\"server.access_log server.access_format\"")

	reportAsWMP(t, m)

	var lines []string
	written := func() bool {
		b, _ := os.ReadFile(file)
		lines = strings.Split(string(b), "\n")
		return strings.Contains(string(b), agentWMP)
	}
	if !poll(patience, written) {
		t.Fatalf("%s has %q, want the player's line", file, lines)
	}
	names := strings.Fields(strings.TrimPrefix(lines[3], "#Fields: "))
	for i, value := range strings.Fields(lines[4]) {
		want, ok := map[string]string{"cs(User-Agent)": agentWMP, "c-buffercount": "4", "c-totalbuffertime": "17",
			"c-pkts-lost-client": "3", "c-quality": "99", "avgbandwidth": "635259", "videocodec": "Windows_Media_Video_9",
			"c-hostexe": "wmplayer.exe"}[names[i]]
		if ok && value != want {
			t.Errorf("%s is %s, want %s", names[i], value, want)
		}
	}
	metrics, err := m.fetch("/metrics")
	if want := `pumpd_stream_player_buffering_seconds_sum{stream="demo"} 17`; err != nil ||
		!strings.Contains(string(metrics), want+"\n") {
		t.Errorf("%v, no %s in the metrics", err, want)
	}
	if !gone() {
		t.Error("the first viewer is not the only one in the log from before")
	}
}
