package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Viewers that take nothing, and some that take little, at two upgrades in a row: they are in the middle of a frame,
// and between them and the end of the stream are megabytes that nobody else needs. When they read on they get all of
// it, and nothing twice.
func TestUpgradeWithBlockedViewers(t *testing.T) {
	t.Parallel()
	const packet, owed = 8000, 6 << 20 // bytes
	l := startLineage(t, pumpdProgram, "loops = 2\nburst = \"0s\"\nmax_lag = \"10m\"", longStall+pushStream("live"))
	// Slow enough that nobody is owed the 64 MB that are kept, on a machine that has much else to do.
	startBench(t, "push", "-synthetic", "-bitrate", "5M", "-packet", "8000", "-gop", "500ms", l.pushURL("live"))
	waitLive(t, l.addr, streamPath("live"))
	quick := startWitness(t, l.addr, "live", agentOld)
	var blocked, slow []*witness
	for _, agent := range allAgents {
		blocked = append(blocked, newWitness(watchNarrowly(t, l.addr, "live", agent)))
		w := newWitness(watchNarrowly(t, l.addr, "live", agent))
		slowDown(t, w.viewer, 50_000)
		w.begin(t)
		slow = append(slow, w)
	}
	for range 2 {
		quick.awaitMore(t, owed/packet/2)
		l.upgraded(t)
	}
	awaitAllMore(t, append(slices.Clone(slow), quick), 3)
	for _, w := range blocked {
		widen(t, w.conn.(*net.TCPConn))
		w.begin(t)
	}
	last := lastNumber(quick)
	for _, w := range blocked {
		w.await(t, "all that it is owed", func(a account) bool { return len(a.seen) > 0 && lastOf(a) >= last })
	}
	a, _ := quick.account()
	for _, w := range slices.Concat(blocked, slow) {
		checkWhole(t, w)
		checkLike(t, w, a.seen)
	}
	checkWhole(t, quick)
	l.unharmed(t)
}

// longStall is for viewers that take nothing for as long as two upgrades last on a machine that has much else to do.
const longStall = "[timeouts]\nstall = \"2m\"\n"

// watchNarrowly is watch with little room in the kernel for what is not read yet.
func watchNarrowly(t *testing.T, addr, stream, agent string) *viewer {
	t.Helper()
	dial := net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) error { // before it is connected
		return setOption(c, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<10)
	}}
	conn, err := dial.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * patience))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", streamPath(stream),
		agent)
	if err != nil {
		t.Fatal(err)
	}
	v, err := answered(conn, agent)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// widen gives a connection of watchNarrowly room, so that what waits for it comes fast.
func widen(t *testing.T, c *net.TCPConn) {
	t.Helper()
	const room = 1 << 20
	raw, err := c.SyscallConn()
	if err == nil {
		err = errors.Join(c.SetReadBuffer(room), setOption(raw, unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, room))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func setOption(of syscall.RawConn, level, option, value int) error {
	var failed error
	err := of.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, option, value) })
	return errors.Join(err, failed)
}

func lastOf(a account) int64 { return a.seen[len(a.seen)-1].number }

func lastNumber(w *witness) int64 {
	a, _ := w.account()
	return lastOf(a)
}

// checkLike wants the packets of a witness to be those that another one has seen, but for the first one, of which a
// part may be hidden, and for padding.
func checkLike(t *testing.T, w *witness, all []sighting) {
	t.Helper()
	a, _ := w.account()
	at := map[int64]packetParts{}
	for _, s := range all {
		at[s.number] = s.content()
	}
	compared := 0
	for _, s := range a.seen[1:] {
		want, known := at[s.number]
		if !known {
			continue
		}
		if compared++; s.content() != want {
			t.Errorf("%s: packet %d is another one than other viewers have", w.name, s.number)
			return
		}
	}
	if compared == 0 {
		t.Errorf("%s: of %d packets none could be compared", w.name, len(a.seen))
	}
}

// Encoders take turns and give one large header after the other, while a viewer takes nothing: it is owed more of them
// than go over at once, and gets them all.
func TestUpgradeWithManyHeaders(t *testing.T) {
	t.Parallel()
	const encoders, each = 6, 25 // headers of an encoder, fewer than it may change in one go
	l := startLineage(t, pumpdProgram, "loops = 2", longStall+pushStream("live"))
	var quick, blocked *witness
	for n := range encoders {
		e := pushTo(t, l.addr, "live", largeHeader(n*each))
		for i := n * each; i < (n+1)*each; i++ {
			if i > n*each {
				e.send(t, 'H', largeHeader(i))
			}
			e.send(t, 'D', layouts[0].packet(uint32(i)*20, uint8(i)))
			if i > 0 {
				continue
			}
			waitLive(t, l.addr, streamPath("live"))
			quick = startWitness(t, l.addr, "live", agentWMP)
			blocked = newWitness(watchNarrowly(t, l.addr, "live", agentWMP))
		}
		quick.await(t, "the headers so far", func(a account) bool { return len(a.seen) == (n+1)*each })
	}
	l.upgraded(t)
	widen(t, blocked.conn.(*net.TCPConn))
	blocked.begin(t)
	blocked.await(t, "all that it is owed", func(a account) bool { return len(a.seen) == encoders*each })
	for _, w := range []*witness{quick, blocked} {
		if a, _ := w.account(); len(a.heads) != encoders*each {
			t.Errorf("%d headers, want %d", len(a.heads), encoders*each)
		}
	}
	l.unharmed(t)
}

// largeHeader is a sample's header with a number and nearly as much in it as there may be.
func largeHeader(number int) []byte {
	const padding = "74D40618DFCA0945A4BA9AABCB96AAE8"
	b := sampleHeader()
	data := len(b) - 50 // where the head of the Data Object is
	h := slices.Concat(b[:data], object(padding, make([]byte, 60_000)), b[data:])
	binary.LittleEndian.PutUint64(h[16:], uint64(len(h)-50))
	h[24]++ // objects
	const bitrate = 30 + 100
	binary.LittleEndian.PutUint32(h[bitrate:], uint32(300_000+number))
	return h
}
