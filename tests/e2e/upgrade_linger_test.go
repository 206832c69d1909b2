package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process that serves only those who could not move is told to end: it tells them that the stream is over, and does.
// Those whose time is over are told the same. Whoever has moved notices nothing.
func TestUpgradeLingeringEnds(t *testing.T) {
	t.Parallel()
	const viewers = 5
	for name, linger := range map[string]time.Duration{"told to": time.Hour, "when its time is over": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, key, _ := selfSigned(t)
			secure := freeAddress(t, newHost())
			l := startLineage(t, pumpdProgram, debugLog, pushStream("live")+
				fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\n", secure, cert, key)+
				fmt.Sprintf("[timeouts]\nupgrade_linger = %q\n", linger))
			startBench(t, append(append([]string(nil), synthetic...), l.pushURL("live"))...)
			waitLive(t, l.addr, streamPath("live"))
			check := loaded(t, viewers, "mmsh://"+l.addr+streamPath("live"))
			l.joined(t, viewers)
			stays := watchOverTLS(t, secure)
			for range 2 { // within its time
				l.upgraded(t)
				stays.awaitMore(t, 10)
			}
			limit := linger + stopTime
			select {
			case err := <-l.ended:
				t.Fatalf("the first process has a viewer over TLS, and has ended: %v", err)
			default:
			}
			if linger == time.Hour {
				limit = stopTime
				if err := syscall.Kill(l.first.Process.Pid, syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			told := time.Now()
			stays.awaitEnd(t, finished)
			checkWhole(t, stays)
			if err := <-l.ended; err != nil {
				t.Errorf("the first process ends with %v", err)
			}
			if took := time.Since(told); took > limit {
				t.Errorf("the first process took %v to end, limit %v", took, limit)
			}
			again := watchOverTLS(t, secure)
			again.awaitMore(t, 10)
			check()
			l.unharmed(t)
		})
	}
}

// A SIGTERM that comes when all is the new process's, and nobody has heard that yet, is for who could not move.
func TestUpgradeEndedWhenCommitted(t *testing.T) {
	t.Parallel()
	cert, key, _ := selfSigned(t)
	secure := freeAddress(t, newHost())
	l := startLineage(t, faultyProgram, "", pushStream("live")+
		fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\n", secure, cert, key)+
		"[timeouts]\ndrain = \"1h\"\n")
	startBench(t, append(append([]string(nil), synthetic...), l.pushURL("live"))...)
	waitLive(t, l.addr, streamPath("live"))
	stays := watchOverTLS(t, secure)
	next, failed := l.upgradeUntil(t, "running", theNew)
	if err := l.first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	l.goOn(t, next)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	stays.awaitEnd(t, finished)
	select {
	case err := <-l.ended:
		if err != nil {
			t.Errorf("the first process ends with %v", err)
		}
	case <-time.After(patience):
		t.Error("the first process lingers on")
	}
	watchOverTLS(t, secure).awaitMore(t, 10)
}

// watchOverTLS is a witness over TLS.
func watchOverTLS(t *testing.T, addr string) *witness {
	t.Helper()
	raw := dialFrom(t, "127.0.0.1", addr)
	c := overTLS(t, raw)
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", streamPath("live"),
		agentOld); err != nil {
		t.Fatal(err)
	}
	v, err := answered(c, agentOld)
	if err != nil {
		t.Fatal(err)
	}
	v.conn = raw // by which it is closed without a word: the other side's answer would be an end
	w := newWitness(v)
	w.begin(t)
	return w
}

// A new process that hangs when all has just become its own: whoever has asked hears it, and nobody tells the service
// manager that the pump lives, neither that process nor the old one, which ends. When its watchdog has killed the new
// one, the address is free for the next.
func TestUpgradeHangsWhenCommitted(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	m := newScriptedManager(t, socket)
	const watchdog = 2 * time.Second
	l := startLineage(t, faultyProgram, "", fileStream("demo", ""), "NOTIFY_SOCKET="+name,
		fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	first := l.first.Process.Pid
	m.hear("WATCHDOG=1", first)
	waitLive(t, l.addr, streamPath("demo"))
	l.setFault(t, "running:stop")
	type answer struct {
		out string
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		out, err := l.upgrade()
		answers <- answer{out, err}
	}()
	text := m.hear("MAINPID=", first)
	second, err := strconv.Atoi(regexp.MustCompile(`MAINPID=(\d+)`).FindStringSubmatch(text)[1])
	if err != nil {
		t.Fatal(err)
	}
	if text, err := m.hearAll(watchdog); err != nil || strings.Contains(text, "WATCHDOG=1") {
		t.Errorf("%v; the manager hears %q", err, text)
	}
	a := <-answers
	if a.err == nil || !strings.Contains(a.out, "the new process has everything and does not serve") {
		t.Errorf("who asked hears %v, %q", a.err, a.out)
	}
	l.says(t, `level=ERROR msg="upgrade: nobody serves"`)
	if err := <-l.ended; err != nil {
		t.Errorf("the first process ends with %v", err)
	}
	l.end(t, second) // as the watchdog does
	if !poll(patience, func() bool {
		c, err := net.Listen("tcp", l.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	}) {
		t.Errorf("%s is still somebody's", l.addr)
	}
}

// hearAll is what anybody says for so long.
func (m *scriptedManager) hearAll(long time.Duration) (text string, err error) {
	if err := m.socket.SetReadDeadline(time.Now().Add(long)); err != nil {
		return "", err
	}
	b := make([]byte, 4096)
	for {
		n, err := m.socket.Read(b)
		if late, ok := err.(net.Error); ok && late.Timeout() {
			return text, nil
		}
		if err != nil {
			return text, err
		}
		text += string(b[:n]) + "\n"
	}
}
