package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// A reload by SIGHUP adds a stream, refuses a file with a mistake and removes the stream again. Who watches another one
// gets packet after packet all the time.
func TestReload(t *testing.T) {
	t.Parallel()
	demo := fileStream("demo", "")
	p := startPump(t, "", demo)
	p.errors = "reload refused"
	waitLive(t, p.addr, streamPath("demo"))
	stays, packets := watch(t, p.addr, "demo", agentOld), 0
	goOn := func() {
		t.Helper()
		for range 20 {
			if _, err := stays.packet(packets); err != nil {
				t.Fatal(err)
			}
			packets++
		}
	}
	reload := func(server, streams, says string) {
		t.Helper()
		configure(t, p.config, server, streams)
		p.cmd.Process.Signal(syscall.SIGHUP)
		p.says(t, says)
		goOn()
	}
	goOn()
	reload("", demo+fileStream("more", ""), "msg=reloaded added=more")
	waitLive(t, p.addr, streamPath("more"))
	goes := watch(t, p.addr, "more", agentOld)
	reload("burst = \"x\"", demo, `server.burst: \"x\", want`)
	reload("loops = 7\nmax_lag = \"11s\"", demo, "msg=reloaded removed=more keys=server.max_lag")
	p.says(t, "some keys count from the next start on\" keys=server.loops")
	if _, err := goes.rest(); err != nil {
		t.Errorf("who watched what is gone: %v, want the end of the stream", err)
	}
	res, err := http.Get("http://" + p.addr + "/streams/more")
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("what is gone: %v, %v, want 404", res, err)
	}
	goOn()
}

// pumpd -t asks the pump that runs by the file what a reload would do, which it then does.
func TestPreview(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", fileStream("demo", ""))
	write := func(text string) {
		t.Helper()
		text = "[server]\nlisten = [" + strconv.Quote(m.listen) + "]\nadmin = " + strconv.Quote(m.admin) + "\n" + text
		if err := os.WriteFile(m.config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want string) {
		t.Helper()
		out, err := exec.Command(mustBuild(t, pumpdProgram), "-t", "-c", m.config).Output()
		if want = m.config + ": ok\n" + want; err != nil || string(out) != want {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
	}
	const move = "  apply: server.listen server.admin\n" // from port 0 to what that is
	write(fileStream("demo", ""))
	check("a reload would\n" + move)
	write("loops = 9\n" + fileStream("more", ""))
	check("a reload would\n  add streams: more\n  end streams, and send their viewers away: demo\n" + move +
		"  leave for a restart: server.loops\n")
	other := filepath.Join(t.TempDir(), "pump.toml")
	text, err := os.ReadFile(m.config)
	if err == nil {
		err = os.WriteFile(other, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.config = other
	check("") // that pump runs by another file
}
