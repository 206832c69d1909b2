package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In the middle of a quota's month pumpd is killed, twice: what was counted ten seconds before is not forgotten, and
// when the quota is used up it is so from the first moment of the next start.
func TestQuotaSurvivesKill(t *testing.T) {
	t.Parallel() // most of it is waiting
	const quota = 2_000_000
	dir := t.TempDir()
	m := startMortal(t, fmt.Sprintf("quota = \"2MB/month\"\nstate_dir = %q", dir), fileStream("demo", ""))
	used := func() int64 { return m.quotaUsed(t) }
	kept := func(want int64) {
		t.Helper()
		if !poll(patience, func() bool { return quotaOnDisk(t, dir) >= want }) {
			t.Fatalf("%d bytes are kept after %v, want %d", quotaOnDisk(t, dir), patience, want)
		}
	}
	leave := watchers(t, m.pump, 4)
	if !poll(2*patience, func() bool { return used() > quota/4 }) {
		t.Fatalf("%d bytes are used, want more than %d", used(), quota/4)
	}
	leave() // or all of it would be used while we wait for the disk
	before := used()
	kept(before)
	m.kill(t)
	m.start(t)
	if got := used(); got < before || got >= quota {
		t.Fatalf("%d bytes are used after a restart, want what was counted before, %d", got, before)
	}
	watchers(t, m.pump, 8)
	full := func() bool { return strings.Contains(refusal(m.addr), "(quota), until ") }
	if !poll(3*patience, full) {
		t.Fatalf("%d bytes are used, and a newcomer gets %q", used(), refusal(m.addr))
	}
	kept(quota)
	m.kill(t)
	m.start(t)
	if !poll(patience, full) { // when the stream is up
		t.Errorf("after a restart %d bytes are used, and a newcomer gets %q", used(), refusal(m.addr))
	}
	m.waitLogged(t, `msg="quota: it is used up`, "quota=2MB/month")
}

// watchers has n viewers watch until they are cut, or leave.
func watchers(t *testing.T, p *pump, n int) (leave func()) {
	t.Helper()
	waitLive(t, p.addr, streamPath("demo"))
	var all []*viewer
	for range n {
		v := watch(t, p.addr, "demo", agentHTTP)
		go io.Copy(io.Discard, v.in)
		all = append(all, v)
	}
	return func() {
		for _, v := range all {
			v.conn.Close()
		}
	}
}

// refusal is the body that a viewer gets who is not let in, or "".
func refusal(addr string) string {
	answer, conn, _, err := get(addr, streamPath("demo"), agentHTTP, "")
	if err != nil {
		return ""
	}
	defer conn.Close()
	if answer.StatusCode != http.StatusServiceUnavailable {
		return ""
	}
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

// quotaUsed asks the admin.
func (m *mortal) quotaUsed(t *testing.T) int64 {
	t.Helper()
	var status struct{ Quota struct{ Used int64 } }
	b, err := m.fetch("/api/status")
	if err == nil {
		err = json.Unmarshal(b, &status)
	}
	if err != nil {
		t.Fatal(err)
	}
	return status.Quota.Used
}

// quotaOnDisk looks into the file, 0 if there is none yet.
func quotaOnDisk(t *testing.T, dir string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "quota.json"))
	if os.IsNotExist(err) {
		return 0
	}
	var file struct{ Periods []struct{ Used int64 } }
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil || len(file.Periods) == 0 {
		t.Fatalf("%q: %v", text, err)
	}
	return file.Periods[0].Used
}
