package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// A mortal is a pump that a test may kill and start again, on the same address and with the same configuration.
type mortal struct {
	*pump
	config string // file
	listen string // host:port; port 0 until the first start
	more   string // behind the listeners in the configuration
	admin  string // host:port of the running process
}

// lastHost counts the loopback addresses that mortals have got.
var lastHost atomic.Uint32

// startMortal runs pumpd as startPump does, with an admin listener. Each has a loopback address of its own: no other
// program's outgoing connection can take its port while it is dead.
func startMortal(t *testing.T, server, streams string) *mortal {
	t.Helper()
	return startMortalOn(t, newHost(), server, streams)
}

// newHost is a loopback address that no other mortal has.
func newHost() string {
	n := lastHost.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()%64, 1+n/250, 1+n%250)
}

// startMortalOn is startMortal with a given address.
func startMortalOn(t *testing.T, host, server, streams string) *mortal {
	t.Helper()
	return startMortalAt(t, host+":0", server, streams)
}

// startMortalAt is startMortal with a given address and port.
func startMortalAt(t *testing.T, addr, server, streams string) *mortal {
	t.Helper()
	m := &mortal{config: filepath.Join(t.TempDir(), "pump.toml"), listen: addr, more: server + "\n" + streams}
	t.Cleanup(func() { m.bury(t) })
	m.start(t)
	return m
}

var adminListening = regexp.MustCompile(`msg=admin address=([0-9.:]+)`)

func (m *mortal) start(t *testing.T) {
	t.Helper()
	text := "[server]\nlisten = [" + strconv.Quote(m.listen) + "]\nadmin = \"127.0.0.1:0\"\n" + m.more
	if err := os.WriteFile(m.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	proc, err := startProcess("pumpd", exec.Command(mustBuild(t, pumpdProgram), "-c", m.config), newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	m.pump = &pump{process: proc}
	m.addr = m.waitListening(t)
	m.listen = m.addr
	lines, _ := m.out.lines()
	for _, l := range lines {
		if found := adminListening.FindStringSubmatch(l.text); found != nil {
			m.admin = found[1]
			return
		}
	}
	t.Fatal("pumpd does not say where its admin is")
}

// kill ends the pump as a crash or the kernel's OOM killer would.
func (m *mortal) kill(t *testing.T) {
	t.Helper()
	m.checkLog(t)
	m.kill9()
}

// bury is what is done at the end of the test: a pump that was not killed must end as it should.
func (m *mortal) bury(t *testing.T) {
	switch {
	case m.pump == nil:
	case m.killed:
		if t.Failed() {
			t.Logf("pumpd %s, killed, printed at last:\n%s", m.addr, m.out.tail(40))
		}
	default:
		m.close(t)
	}
}

// checkLog wants no errors in what a pump that will not end properly has logged.
func (m *mortal) checkLog(t *testing.T) {
	t.Helper()
	lines, _ := m.out.lines()
	for _, l := range lines {
		if strings.Contains(l.text, "level=ERROR") || strings.HasPrefix(l.text, "panic:") {
			t.Errorf("pumpd logged: %s", l.text)
		}
	}
}

// pushURL is where an encoder sends to.
func (m *mortal) pushURL(stream string) string {
	return "http://" + m.addr + streamPath(stream) + "_push"
}
