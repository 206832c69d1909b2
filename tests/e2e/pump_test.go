package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	stopLimit = 5 * time.Second // that pumpd promises, from SIGTERM to its end
	stopTime  = 3 * stopLimit   // that it may take on a machine that has much else to do
)

// A pump is a running pumpd with one port.
type pump struct {
	*process
	config string // its file
	addr   string // host:port
	errors string // what lines of the log with errors may be about; "": there may be none
}

// listening is in pumpd's first line.
var listening = regexp.MustCompile(`msg=listening .*addresses="?\[([0-9.:]+)\]`)

// startPump runs pumpd with the given [[streams]] and what shall stand in [server]. When the test is over it must end
// as it should, and must not have logged an error.
func startPump(t *testing.T, server, streams string) *pump {
	t.Helper()
	config := filepath.Join(t.TempDir(), "pump.toml")
	configure(t, config, server, streams)
	proc, err := startProcess("pumpd", exec.Command(mustBuild(t, pumpdProgram), "-c", config), newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	p := &pump{process: proc, config: config}
	t.Cleanup(func() { p.close(t) })
	p.addr = p.waitListening(t)
	return p
}

// configure writes a configuration as startPump has it. It has no admin unless server says where that is.
func configure(t *testing.T, file, server, streams string) {
	t.Helper()
	text := "[server]\nlisten = [\"127.0.0.1:0\"]\n"
	if !strings.Contains(server, "admin = ") {
		text += "admin = \"\"\n"
	}
	text += server + "\n" + streams
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// says waits for a line of the pump's log.
func (p *pump) says(t *testing.T, text string) {
	t.Helper()
	said := func() bool {
		lines, _ := p.out.lines()
		return slices.ContainsFunc(lines, func(l line) bool { return strings.Contains(l.text, text) })
	}
	if !poll(patience, said) {
		t.Fatalf("the log has no %q", text)
	}
}

// waitListening gives the address that the kernel chose.
func (p *pump) waitListening(t *testing.T) string {
	t.Helper()
	late := time.After(patience)
	for {
		lines, news := p.out.lines()
		for _, l := range lines {
			if m := listening.FindStringSubmatch(l.text); m != nil {
				return m[1]
			}
		}
		select {
		case <-news:
		case <-p.ended:
			t.Fatalf("pumpd ended before it listened: %v", p.err)
		case <-late:
			t.Fatal("pumpd does not say where it listens")
		}
	}
}

// close ends the pump unless the test did so and checks how it ended.
func (p *pump) close(t *testing.T) {
	select {
	case <-p.ended:
	default:
		if took, willing := p.terminate(stopTime); !willing {
			t.Errorf("pumpd did not end in %v after SIGTERM", took)
		}
	}
	if p.err != nil {
		t.Errorf("pumpd: %v, want exit 0", p.err)
	}
	lines, _ := p.out.lines()
	for _, l := range lines {
		if p.errors != "" && strings.Contains(l.text, p.errors) {
			continue
		}
		if strings.Contains(l.text, "level=ERROR") || strings.HasPrefix(l.text, "panic:") {
			t.Errorf("pumpd logged: %s", l.text)
		}
	}
	if t.Failed() {
		t.Logf("pumpd printed at last:\n%s", p.out.tail(40))
	}
}

// waitLogged waits for a line of the pump's log with all of the words.
func (p *pump) waitLogged(t *testing.T, words ...string) {
	t.Helper()
	has := func() bool {
		lines, _ := p.out.lines()
		return slices.ContainsFunc(lines, func(l line) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(l.text, w) })
		})
	}
	if !poll(patience, has) {
		t.Errorf("pumpd has logged no line with %q", words)
	}
}

// url is what a player opens; scheme is mmsh or http.
func (p *pump) url(scheme, stream string) string {
	return fmt.Sprintf("%s://%s/streams/%s", scheme, p.addr, stream)
}

// Streams for startPump.

func fileStream(path, file string) string {
	return fmt.Sprintf("[[streams]]\npath = %q\ntype = \"file\"\nfile = %q\n", path, file)
}

func pushStream(path string) string {
	return fmt.Sprintf("[[streams]]\npath = %q\ntype = \"mmsh_push\"\n", path)
}

func pullStream(path, url string) string {
	return fmt.Sprintf("[[streams]]\npath = %q\ntype = \"mmsh_pull\"\nurl = %q\n", path, url)
}
