package fanout

import (
	"bytes"
	"log/slog"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pumpd/codec"
)

var engineNames = []string{"sendto", "io_uring"}

// testEngine makes one of the real engines, or skips where the kernel lets nobody use io_uring.
func testEngine(t testing.TB, name string) Engine {
	t.Helper()
	if name == "sendto" {
		return &sendto{}
	}
	e, err := newURing(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	t.Cleanup(e.Close)
	return e
}

// onEngines runs a test on each engine.
func onEngines(t *testing.T, test func(t *testing.T, e Engine)) {
	for _, name := range engineNames {
		t.Run(name, func(t *testing.T) { test(t, testEngine(t, name)) })
	}
}

// A cable is a viewer of which nothing but its socket is real, and the other end of that socket.
type cable struct {
	v   *Viewer
	far int
}

func newCable(near, far int) cable {
	return cable{&Viewer{fd: int32(near), dialect: vlcPlayer}, far}
}

// unixCable has a socket that holds at least room bytes.
func unixCable(t testing.TB, room int) cable {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(fds[:]) })
	if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_SNDBUF, room); err != nil {
		t.Fatal(err)
	}
	return newCable(fds[0], fds[1])
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// tcpLines are n connections over loopback.
func tcpLines(t testing.TB, n int) []cable {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	const stream = unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	ln, err := unix.Socket(unix.AF_INET, stream, 0)
	must(err)
	defer unix.Close(ln)
	must(unix.Bind(ln, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(unix.Listen(ln, 1))
	at, err := unix.Getsockname(ln)
	must(err)
	lines := make([]cable, n)
	for i := range lines {
		far, err := unix.Socket(unix.AF_INET, stream, 0)
		must(err)
		must(unix.Connect(far, at))
		must(unix.SetNonblock(far, true))
		near, _, err := unix.Accept4(ln, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		must(err)
		must(unix.SetsockoptInt(near, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		t.Cleanup(func() { closeAll([]int{near, far}) })
		lines[i] = newCable(near, far)
	}
	return lines
}

// take reads n bytes that were sent.
func (l cable) take(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	for got := 0; got < n; {
		wait(t, l.far, unix.POLLIN)
		k, err := unix.Read(l.far, b[got:])
		if err != nil || k == 0 {
			t.Fatalf("after %d of %d bytes: read %d, %v", got, n, k, err)
		}
		got += k
	}
	return b
}

// wait waits until a socket is as the bits of poll(2) say.
func wait(t testing.TB, fd int, events int16) {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		n, err := unix.Poll(p, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Fatalf("descriptor %d: poll for %#x: %d, %v", fd, events, n, err)
		}
		return
	}
}

// results is what an engine reported of each viewer.
type results map[*Viewer]result

type result struct {
	n     int
	errno syscall.Errno
	times int
}

func (r results) Sent(v *Viewer, n int, errno syscall.Errno) {
	r[v] = result{n, errno, r[v].times + 1}
}

// parcel is one viewer's segment: b is patched for it, as a segment is, and a copy is returned.
func parcel(b []byte, ends []int, number int) []byte {
	start := 0
	for i, end := range ends {
		b[start+flagsOffset] = uint8(number + i)
		b[start+locationOffset] = uint8(number)
		b[start+locationOffset+1] = uint8(number >> 8)
		start = end
	}
	return bytes.Clone(b)
}

// framesOf are frames with payloads of such sizes, and where each ends.
func framesOf(sizes []int) (b []byte, ends []int) {
	for i, n := range sizes {
		prefix := make([]byte, codec.PrefixLen)
		codec.PutDataPrefix(prefix, 'D', 0, 0, n)
		b = append(b, prefix...)
		for j := range n {
			b = append(b, byte(i+j*7+j>>8))
		}
		ends = append(ends, len(b))
	}
	return b, ends
}

func repeated(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

// segmentCases are segments by the sizes of their payloads.
var segmentCases = []struct {
	name  string
	sizes []int
}{
	{"one byte", []int{1}},
	{"no payload", []int{0}},
	{"one packet", []int{1400}},
	{"P1", repeated(3, 1400)},
	{"P2", repeated(3, 8000)},
	{"just copied", repeated(3, copiedBytes-1)},
	{"just not copied", repeated(3, copiedBytes)},
	{"first copied", []int{20, 5000}},
	{"last copied", []int{5000, 20}},
	{"by turns", []int{20, 5000, 30, 40, 6000, 7000, 50}},
	{"longest payload", []int{codec.MaxPayload}},
	{"most packets", repeated(segmentPackets, 240)},
	{"most vectors", repeated(60, copiedBytes)},
}

// More viewers than a batch has, so that there is a flush inside the round; and in most cases more than the stage has
// room for.
const manyViewers = 2*batchSends + 88

func TestEnginesSendEachViewerItsOwn(t *testing.T) {
	onEngines(t, func(t *testing.T, e Engine) {
		var lines []cable
		for range manyViewers {
			lines = append(lines, unixCable(t, 256<<10))
		}
		for _, c := range segmentCases {
			b, ends := framesOf(c.sizes)
			got, want := results{}, make([][]byte, len(lines))
			for i, l := range lines {
				want[i] = parcel(b, ends, i)
				e.Send(l.v, b, got)
			}
			e.Flush()
			for i, l := range lines {
				if r := got[l.v]; r != (result{len(b), 0, 1}) {
					t.Fatalf("%s: viewer %d: %+v, want %d bytes, once", c.name, i, r, len(b))
				}
				if !bytes.Equal(l.take(t, len(b)), want[i]) {
					t.Fatalf("%s: viewer %d got other bytes than it was sent", c.name, i)
				}
			}
		}
	})
}

// Raw viewers get the same bytes as each other, among others who do not.
func TestEnginesSendRawPacketsAsTheyAre(t *testing.T) {
	onEngines(t, func(t *testing.T, e Engine) {
		packets := bytes.Repeat([]byte{0x82, 0, 0, 0x40, 1, 2, 3}, 1000)
		b, ends := framesOf(repeated(2, 2000))
		got, lines, want := results{}, tcpLines(t, 20), [][]byte{}
		for i, l := range lines {
			if i%3 == 0 {
				want = append(want, parcel(b, ends, i))
				e.Send(l.v, b, got)
				continue
			}
			l.v.dialect = raw
			want = append(want, packets)
			e.Send(l.v, packets, got)
		}
		e.Flush()
		for i, l := range lines {
			if r := got[l.v]; r != (result{len(want[i]), 0, 1}) {
				t.Fatalf("viewer %d: %+v, want %d bytes, once", i, r, len(want[i]))
			}
			if !bytes.Equal(l.take(t, len(want[i])), want[i]) {
				t.Errorf("viewer %d got other bytes than it was sent", i)
			}
		}
	})
}

// lineKinds are what can become of a send of all bytes.
var lineKinds = []struct {
	name string
	line func(t testing.TB) cable
	want func(r result, all int) bool
}{
	{"with room", func(t testing.TB) cable { return unixCable(t, 256<<10) },
		func(r result, all int) bool { return r.n == all && r.errno == 0 }},
	{"with little room", func(t testing.TB) cable { return unixCable(t, 1) },
		func(r result, all int) bool { return r.n > 0 && r.n < all && r.errno == 0 }},
	{"full", fullLine,
		func(r result, _ int) bool { return r.n == 0 && r.errno == syscall.EAGAIN }},
	{"shut", shutLine,
		func(r result, _ int) bool { return r.n == 0 && r.errno == syscall.EPIPE }},
	{"reset", resetLine,
		func(r result, _ int) bool {
			return r.n == 0 && (r.errno == syscall.ECONNRESET || r.errno == syscall.EPIPE)
		}},
	{"without a socket", func(testing.TB) cable { return newCable(-1, -1) },
		func(r result, _ int) bool { return r.n == 0 && r.errno == syscall.EBADF }},
}

func fullLine(t testing.TB) cable {
	l := unixCable(t, 1)
	for b := make([]byte, 1<<10); ; {
		if _, err := unix.Write(int(l.v.fd), b); err == unix.EAGAIN {
			return l
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func shutLine(t testing.TB) cable {
	l := unixCable(t, 1)
	if err := unix.Shutdown(l.far, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	return l
}

// resetLine has had a peer that was killed. Its descriptor stays in use, so that nobody else gets its number.
func resetLine(t testing.TB) cable {
	l := tcpLines(t, 1)[0]
	if err := unix.SetsockoptLinger(l.far, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(unixCable(t, 1).far, l.far, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	wait(t, int(l.v.fd), unix.POLLRDHUP)
	return l
}

// What happens to one viewer is told of that viewer, and happens to no other.
func TestEnginesTellViewersApart(t *testing.T) {
	onEngines(t, func(t *testing.T, e Engine) {
		b, ends := framesOf([]int{20, 5000, 30, 40, 6000})
		var lines []cable
		got, want := results{}, [][]byte{}
		for i := range manyViewers {
			lines = append(lines, lineKinds[i%len(lineKinds)].line(t))
		}
		for i, l := range lines {
			want = append(want, parcel(b, ends, i))
			e.Send(l.v, b, got)
		}
		e.Flush()
		for i, l := range lines {
			k, r := lineKinds[i%len(lineKinds)], got[l.v]
			if !k.want(r, len(b)) || r.times != 1 {
				t.Fatalf("viewer %d, %s: %+v of %d bytes", i, k.name, r, len(b))
			}
			if r.n > 0 && !bytes.Equal(l.take(t, r.n), want[i][:r.n]) {
				t.Fatalf("viewer %d, %s, got other bytes than it was sent", i, k.name)
			}
		}
	})
}

// sentCount counts without a map, which would allocate.
type sentCount struct{ bytes, sends, fail int }

func (c *sentCount) Sent(_ *Viewer, n int, errno syscall.Errno) {
	c.bytes += n
	c.sends++
	if errno != 0 {
		c.fail++
	}
}

func TestEnginesAllocateNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, e Engine) {
		var lines []cable
		for range manyViewers {
			lines = append(lines, unixCable(t, 64<<10))
		}
		for _, sizes := range [][]int{{1400}, {20, 5000, 30}, repeated(20, 300)} {
			b, _ := framesOf(sizes)
			var count sentCount
			sink := make([]byte, len(b))
			n := testing.AllocsPerRun(5, func() {
				for _, l := range lines {
					b[flagsOffset]++
					e.Send(l.v, b, &count)
				}
				e.Flush()
				for _, l := range lines {
					unix.Read(l.far, sink)
				}
			})
			if n > 0 {
				t.Errorf("%d payloads: a round to %d viewers allocates %.0f times, want 0", len(sizes), len(lines), n)
			}
			if want := 6 * len(lines); count.sends != want || count.bytes != want*len(b) {
				t.Errorf("%d bytes in %d sends, want %d in %d", count.bytes, count.sends, want*len(b), want)
			}
		}
	})
}
