//go:build players

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// What a thread may do, in /proc: all of its user and group ids, no capability, no way to get one.
var rightless = map[string]string{
	"Uid": "65534\t65534\t65534\t65534", "Gid": "65533\t65533\t65533\t65533", "Groups": "65533",
	"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
	"CapAmb": "0000000000000000", "NoNewPrivs": "1",
}

// A pump that root has started opens port 87 and reads a key that is root's alone, and then none of its threads is root
// or can be again. It serves all the same.
func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		needed(t, "root")
	}
	needProgram(t, "openssl", "openssl")
	dir := t.TempDir()
	sh(t, dir, `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=pump.example" \
		-addext subjectAltName=DNS:pump.example -keyout pump.key -out pump.crt && chmod 600 pump.key`)
	low := newHost() + ":87"
	secure := fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\n", low,
		filepath.Join(dir, "pump.crt"), filepath.Join(dir, "pump.key"))
	p := startPump(t, "user = \"65534:65533\"\n", secure+pushStream("live"))
	p.errors = "keeping the old certificate" // that it cannot be read, it finds after a minute
	pid := p.cmd.Process.Pid
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) < 3 {
		t.Fatalf("threads %q, %v", threads, err)
	}
	for _, file := range threads {
		status, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // it has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range rightless {
			m := regexp.MustCompile(`(?m)^` + key + `:\s*(.*?)\s*$`).FindStringSubmatch(string(status))
			if m == nil || m[1] != want {
				t.Errorf("%s: %s: %q, want %s", file, key, m, want)
			}
		}
	}
	out := p.out.tail(20)
	if !strings.Contains(out, "user cannot read a file") || !strings.Contains(out, "pump.key") {
		t.Errorf("nothing is said about the key that will not be readable:\n%s", out)
	}
	if strings.Contains(out, "running as root") || strings.Contains(out, "no_new_privs") {
		t.Errorf("log:\n%s", out)
	}
	c := makeClip(t, "wmv2", 1400)
	push(t, p, "live", c, true)
	settle(t, p, "live")
	play(t, p, "mmsh", "live", c, false, []player{ffmpeg})
}

// A reload can do what the user can, and says what it cannot.
func TestReloadAsUser(t *testing.T) {
	if os.Getuid() != 0 {
		needed(t, "root")
	}
	config := filepath.Join("/tmp", fmt.Sprintf("pumpd-user-%d.toml", os.Getpid())) // where others may read it
	t.Cleanup(func() { os.Remove(config) })
	m := &mortal{config: config, listen: "127.0.0.1:0", more: "user = \"65534:65533\"\n" + pushStream("live")}
	t.Cleanup(func() { m.kill9() }) // it logs an error
	m.start(t)
	reload := func(of, to, wants string) {
		t.Helper()
		text, err := os.ReadFile(config)
		if err == nil {
			err = os.WriteFile(config, bytes.Replace(text, []byte(of), []byte(to), 1), 0o644)
		}
		if err == nil {
			err = m.cmd.Process.Signal(syscall.SIGHUP)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !poll(patience, func() bool { return strings.Contains(m.out.tail(20), wants) }) {
			t.Errorf("the log does not say %q:\n%s", wants, m.out.tail(5))
		}
	}
	reload("live", "news", "added=news")
	reload(`listen = [`, `listen = ["127.0.86.88:88", `,
		"server.listen[0]: listen tcp 127.0.86.88:88: bind: permission denied; ports below 1024 are root's to open")
}

// Root that stays root is told so once; who is not root cannot become somebody else, and does not try to go on.
func TestWithoutUser(t *testing.T) {
	if os.Getuid() != 0 {
		needed(t, "root")
	}
	p := startPump(t, "", pushStream("live"))
	if out := p.out.tail(20); strings.Count(out, "running as root") != 1 {
		t.Errorf("want one line about root:\n%s", out)
	}
	needProgram(t, "setpriv", "util-linux")
	program := filepath.Join("/tmp", fmt.Sprintf("pumpd-%d", os.Getpid())) // where others may run it
	sh(t, "/", fmt.Sprintf("cp %s %s && chmod 755 %s", mustBuild(t, pumpdProgram), program, program))
	t.Cleanup(func() { os.Remove(program) })
	config := program + ".toml"
	text := "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin = \"\"\nuser = \"%s\"\n" + pushStream("live")
	t.Cleanup(func() { os.Remove(config) })
	as := func(user string) *exec.Cmd {
		if err := os.WriteFile(config, []byte(fmt.Sprintf(text, user)), 0o644); err != nil {
			t.Fatal(err)
		}
		return exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "-c", config)
	}
	if out, err := as("4000000:4000000").CombinedOutput(); err == nil || !strings.Contains(string(out),
		"server.user: only root can become 4000000:4000000, and this is user 65534") {
		t.Errorf("another user: %v\n%s", err, out)
	}
	own, err := startProcess("pumpd", as("65534:65534"), newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	itself := &pump{process: own}
	t.Cleanup(func() { itself.close(t) })
	itself.waitListening(t)
	if out := itself.out.tail(20); strings.Contains(out, "level=WARN") {
		t.Errorf("the user itself:\n%s", out)
	}
}
