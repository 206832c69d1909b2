package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pumpd/server/clock"
)

// However often accept fails, there is one line when that begins, and one with the number when it is over.
func TestAcceptFailuresAreCounted(t *testing.T) {
	var out bytes.Buffer
	f := acceptFailures{log: slog.New(slog.NewTextHandler(&out, nil))}
	now := clock.Instant(1)
	full := errors.New("accept4: too many open files")
	for range 2 {
		out.Reset()
		for i := range 710 {
			f.tell(full, now)
			if i%3 == 0 {
				f.tell(nil, now)
			}
			now = now.Add(50 * time.Millisecond)
		}
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "ERROR") || !strings.Contains(got,
			full.Error()) {
			t.Errorf("while it fails:\n%s", got)
		}
		out.Reset()
		for range 3 {
			now = now.Add(calm + 1)
			f.tell(nil, now)
		}
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "errors=710") {
			t.Errorf("when it is over:\n%s", got)
		}
	}
}

// With few descriptors and more of everything than they allow at once, silence on both ports, half handshakes and
// viewers that come and go, accept never fails, nothing is logged as an error, and whoever asks is answered.
func TestFewDescriptors(t *testing.T) {
	const limit = 256
	if os.Getenv("PUMPD_FLOOD") != "" {
		serveFlood(t, limit)
		return
	}
	at, tlsAt, output := floodedServer(t)
	pushTo(t, at)
	flood := make(chan struct{})
	var attackers sync.WaitGroup
	for i := range 4 {
		attackers.Go(func() {
			for {
				var herd []net.Conn
				for range limit / 4 { // all of them together are more than there may be
					if c, err := net.Dial("tcp", []netip.AddrPort{at, tlsAt}[i%2].String()); err == nil {
						io.WriteString(c, "\x16\x03\x01\x00\x80\x01\x00\x00\x7C\x03\x03"[:i*3])
						herd = append(herd, c)
					}
				}
				for _, c := range herd {
					c.Close()
				}
				select {
				case <-flood:
					return
				case <-time.After(20 * time.Millisecond): // or who asks waits behind herds without end
				}
			}
		})
	}
	for i := range 10 {
		c := dial(t, at)
		fmt.Fprintf(c, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\n\r\n", ffmpegAgent)
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, " 200 ") && !strings.Contains(line, " 503 ") {
			t.Fatalf("Describe %d: %q, %v, want 200 or 503", i, line, err)
		}
		c.Close()
	}
	close(flood)
	attackers.Wait()
	if got := output(); strings.Contains(got, "ERROR") {
		t.Errorf("the server says:\n%s", got)
	}
}
