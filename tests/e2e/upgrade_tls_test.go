package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Who speaks TLS and does not watch notices nothing of an upgrade either, nor of the next one: not the encoder, nor who
// has a connection and asks later, nor who is in the middle of a handshake.
func TestUpgradeOverTLS(t *testing.T) {
	t.Parallel()
	const viewers = 5
	cert, key, _ := selfSigned(t)
	secure := freeAddress(t, newHost())
	l := startLineage(t, pumpdProgram, debugLog,
		fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\n", secure, cert, key)+
			"[timeouts]\nrequest_head = \"1m\"\nhandshake = \"1m\"\n"+pushStream("live"))
	push := startTool(t, "bench push", exec.Command(mustBuild(t, benchProgram), "push", "-synthetic", "-gop", "500ms",
		"http://"+tunnel(t, secure)+streamPath("live_push")))
	waitLive(t, l.addr, streamPath("live"))
	check := loaded(t, viewers, "mmsh://"+l.addr+streamPath("live"))
	l.joined(t, viewers)
	idle := overTLS(t, dialFrom(t, "127.0.0.1", secure))
	if err := idle.Handshake(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		early := dialFrom(t, "127.0.0.1", secure)
		if out, err := l.upgrade(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		getsStream(t, overTLS(t, early), fmt.Sprintf("who shook hands during upgrade %d", i))
		early.Close()
	}
	getsStream(t, idle, "who had a connection before two upgrades")
	check()
	push.cmd.Process.Signal(os.Interrupt)
	idle.Close()
	if err := <-l.ended; err != nil { // with the last of them
		t.Errorf("the first process ends with %v", err)
	}
	text := l.log(t)
	for _, bad := range []string{"level=ERROR", "panic", "source lost", "cannot be relayed", "before everybody was told"} {
		if strings.Contains(text, bad) {
			t.Errorf("the log has %q", bad)
		}
	}
	if n := strings.Count(text, `msg="stream is up"`); n != 1 {
		t.Errorf("the stream has come up %d times: the encoder has noticed", n)
	}
}

// tunnel is an address at which TLS is spoken with another one for whoever connects.
func tunnel(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", newHost()+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := tls.Dial("tcp", to, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				near.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					near.Close()
					far.Close()
				}()
			}
		}
	}()
	return l.Addr().String()
}

// dialFrom connects by an address of this machine.
func dialFrom(t *testing.T, from, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func overTLS(t *testing.T, c net.Conn) *tls.Conn {
	t.Helper()
	return tls.Client(c, &tls.Config{InsecureSkipVerify: true})
}

// getsStream asks for the stream as plain ASF and reads a part of it.
func getsStream(t *testing.T, c net.Conn, who string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nUser-Agent: curl/8\r\n\r\n", streamPath("live")); err != nil {
		t.Errorf("%s: %v", who, err)
		return
	}
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Errorf("%s: %v", who, err)
		return
	}
	defer reply.Body.Close()
	if n, err := io.CopyN(io.Discard, reply.Body, 20_000); err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %d bytes, %v", who, reply.Status, n, err)
	}
}
