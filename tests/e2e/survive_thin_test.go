package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// emulate puts a line of bench link in the place of the cable, with the same addresses.
func (n *namespace) emulate(args ...string) *process {
	n.t.Helper()
	n.ip("link", "del", "pump"+n.holder)
	return startLine(n.t, append([]string{
		"-netns", "/proc/" + n.holder + "/ns/net", "-here", n.here + "/30", "-there", n.there + "/30",
	}, args...)...)
}

// startLine runs bench link and waits until packets can pass. Without root or TUN devices the test is skipped.
func startLine(t *testing.T, args ...string) *process {
	t.Helper()
	if os.Geteuid() != 0 {
		skipLoudly(t, "root, for bench link")
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		skipLoudly(t, fmt.Sprintf("a kernel that has TUN devices (%v)", err))
	}
	f.Close()
	p := startBench(t, append([]string{"link"}, args...)...)
	timeout := time.After(patience)
	for {
		_, news := p.out.lines()
		if strings.HasPrefix(strings.TrimSpace(p.out.tail(1)), "namespace ") {
			return p
		}
		select {
		case <-news:
		case <-p.ended:
			t.Fatalf("bench link: %v", p.err)
		case <-timeout:
			t.Fatal("bench link says nothing")
		}
	}
}

// A megabyte over TCP takes the time that the line's rate says, is whole in spite of the loss, and the line tells what
// it lost.
func TestThinLine(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	p := n.emulate("-rate", "8Mbit", "-queue", "100ms", "-delay", "5ms", "-up", "loss=1%")
	ln, err := net.Listen("tcp", net.JoinHostPort(n.here, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := n.dial(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	far.SetDeadline(time.Now().Add(patience))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	begin := time.Now()
	go func() {
		conn.Write(sent)
		conn.Close()
	}()
	got, err := io.ReadAll(far)
	took := time.Since(begin)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes arrived, %v", len(got), len(sent), err)
	}
	t.Logf("%.2f Mbit/s of payload", float64(len(got))*8/1e6/took.Seconds())
	if least := time.Duration(len(sent)) * 8 * time.Second / 8e6; took < least {
		t.Errorf("%v for what takes the line %v", took, least)
	}
	p.terminate(patience)
	up := regexp.MustCompile(`up +passed (\d+) packets.* lost (\d+)`).FindStringSubmatch(p.out.tail(2))
	if up == nil {
		t.Fatalf("no summary in\n%s", p.out.tail(2))
	}
	passed, _ := strconv.Atoi(up[1])
	lost, _ := strconv.Atoi(up[2])
	if all := passed + lost; all < len(sent)/1500 || lost == 0 || lost > all/20 {
		t.Errorf("%d passed and %d lost of a megabyte with 1 %% loss", passed, lost)
	}
}

// A line removes its namespace when it ends, and what one has left that was killed.
func TestLineLeavesNothing(t *testing.T) {
	t.Parallel()
	namespaceOf := func(p *process) string { return fmt.Sprint("/run/netns/link-", p.cmd.Process.Pid) }
	exists := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	here, there := cableEnds(os.Getpid()) // two of these tests may run at once
	ends := []string{"-here", here + "/30", "-there", there + "/30"}
	killed := startLine(t, ends...)
	if !exists(namespaceOf(killed)) {
		t.Fatalf("no %s", namespaceOf(killed))
	}
	killed.kill9()
	p := startLine(t, ends...)
	if !poll(patience, func() bool { return !exists(namespaceOf(killed)) }) { // another line may be removing it, too
		t.Errorf("%s is still there", namespaceOf(killed))
	}
	if _, willing := p.terminate(patience); !willing || p.err != nil {
		t.Errorf("SIGTERM: %v", p.err)
	}
	if exists(namespaceOf(p)) {
		t.Errorf("%s is still there", namespaceOf(p))
	}
}
