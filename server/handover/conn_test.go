package handover

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const testKind = Others + 3

// twoEnds are a way within this process.
func twoEnds(t testing.TB) (a, b *Conn) {
	t.Helper()
	a, file, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = connOf(fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	deadline := time.Now().Add(time.Minute)
	if err := errors.Join(a.SetDeadline(deadline), b.SetDeadline(deadline)); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// openFiles is how many descriptors the process has.
func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

type thing struct {
	Name  string
	Bytes []byte
}

func TestMessage(t *testing.T) {
	a, b := twoEnds(t)
	sent := thing{"a", bytes.Repeat([]byte("x"), 3<<20)} // more than sockets hold
	failed := make(chan error, 1)
	go func() { failed <- a.Send(testKind, &sent) }()
	m, err := b.Receive()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	var got thing
	if err := m.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if m.Kind != testKind || got.Name != sent.Name || !bytes.Equal(got.Bytes, sent.Bytes) || len(m.FDs) != 0 {
		t.Errorf("got kind %d, %q with %d bytes, %d descriptors", m.Kind, got.Name, len(got.Bytes), len(m.FDs))
	}
	a.Close()
	if _, err := b.Receive(); err != io.EOF {
		t.Errorf("after the end: %v, want EOF", err)
	}
}

// marked makes a file with a text in it that says which one it is.
func marked(t testing.TB, text string) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("marked", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), text)
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return f
}

func markOf(t testing.TB, fd int) string {
	t.Helper()
	b := make([]byte, 100)
	n, err := unix.Pread(fd, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// Descriptors come in order, with the message that they were sent with, and are not for programs that we start.
func TestDescriptors(t *testing.T) {
	a, b := twoEnds(t)
	before := openFiles(t)
	for _, names := range [][]string{{"one"}, nil, {"two", "three"}} {
		var fds []int
		for _, name := range names {
			f := marked(t, name)
			defer f.Close()
			fds = append(fds, int(f.Fd()))
		}
		if err := a.Send(testKind, names, fds...); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		m, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		if err := m.Decode(&names); err != nil || len(names) != len(m.FDs) {
			t.Fatalf("%d descriptors for %q, %v", len(m.FDs), names, err)
		}
		for i, fd := range m.FDs {
			if got := markOf(t, fd); got != names[i] {
				t.Errorf("got the descriptor of %q, want that of %q", got, names[i])
			}
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("%q: flags %d, %v, want close-on-exec", names[i], flags, err)
			}
		}
		m.Close()
		m.Close() // once is enough
	}
	if now := openFiles(t) - before; now != 3 {
		t.Errorf("%d descriptors more than before, want the 3 that were sent", now)
	}
}

// As many descriptors go as a full pump has, and none is left: both ends are in this process, which so has each one
// twice.
func TestManyDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	count := min(18_000, (int(limit.Cur)-openFiles(t)-100)/2/MostDescriptors*MostDescriptors)
	t.Logf("%d descriptors, limit %d", count, limit.Cur)
	a, b := twoEnds(t)
	before := openFiles(t)
	one := marked(t, "one")
	defer one.Close()
	failed := make(chan error, 1)
	go func() { failed <- sendCopies(a, int(one.Fd()), count) }()
	var kept []int
	defer func() { CloseAll(kept) }()
	for len(kept) < count {
		m, err := b.Receive()
		if err != nil {
			t.Fatalf("after %d: %v", len(kept), err)
		}
		kept = append(kept, m.Take()...)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if got := markOf(t, kept[count-1]); got != "one" {
		t.Errorf("the last one is %q", got)
	}
	CloseAll(kept)
	kept = nil
	if now := openFiles(t) - before; now != 1 {
		t.Errorf("%d descriptors more than before, want 1", now)
	}
}

// sendCopies sends count descriptors of one file, no two of which are the same.
func sendCopies(c *Conn, fd, count int) error {
	for ; count > 0; count -= MostDescriptors {
		var copies []int
		for range MostDescriptors {
			d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return err
			}
			copies = append(copies, d)
		}
		err := c.Send(testKind, MostDescriptors, copies...)
		CloseAll(copies)
		if err != nil {
			return err
		}
	}
	return nil
}

// Who is not root has a limit for descriptors that are sent and not received yet. Send waits there until they are.
func TestDescriptorsInFlight(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("as another user, for root has no such limit")
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestDescriptorsInFlight$", "-test.v")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "PASS: TestDescriptorsInFlight") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = 300
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	a, b := twoEnds(t)
	fds := make([]int, MostDescriptors)
	for i := range fds {
		fds[i] = int(os.Stderr.Fd())
	}
	const count = 5
	sent, failed := make(chan int, count), make(chan error, 1)
	go func() {
		for i := range count {
			if err := a.Send(testKind, i, fds...); err != nil {
				failed <- err
				return
			}
			sent <- i
		}
		failed <- nil
	}()
	<-sent
	<-sent // the kernel counts before it adds: the third one has to wait
	select {
	case <-sent:
		t.Errorf("a third message of %d descriptors is sent, limit %d", MostDescriptors, few.Cur)
	case <-time.After(50 * time.Millisecond):
	}
	for range count {
		m, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestSendLimits(t *testing.T) {
	a, _ := twoEnds(t)
	for _, c := range []struct {
		v    any
		fds  int
		want string
	}{
		{1, MostDescriptors + 1, "201 descriptors, limit 200"},
		{make([]byte, MostBytes), 0, ", limit 8388608"},
		{func() {}, 0, "func"},
	} {
		if err := a.Send(testKind, c.v, make([]int, c.fds)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// wire is a message as it is sent.
func wire(size uint32, kind, fds byte, body string) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, size), kind, fds), body...)
}

// badWires are messages that are refused, named after what is wrong with them.
var badWires = []struct {
	name string
	b    []byte
	fds  int // that come
	want string
}{
	{"half a head", []byte{0, 0}, 0, "unexpected EOF"},
	{"half a body", wire(9, 5, 0, "x"), 0, "kind 5, 9 bytes: unexpected EOF"},
	{"no body at all", wire(9, 5, 0, ""), 0, "kind 5, 9 bytes: EOF"},
	{"empty", wire(0, 5, 0, ""), 0, "0 bytes, want 1 to 8388608"},
	{"too long", wire(MostBytes+1, 5, 0, ""), 0, "8388609 bytes, want 1 to 8388608"},
	{"kind 0", wire(1, 0, 0, "x"), 0, "kind 0"},
	{"too many announced", wire(1, 5, MostDescriptors+1, "x"), 0, "201 descriptors, limit 200"},
	{"one announced, none comes", wire(1, 5, 1, "x"), 0, "0 descriptors came, 1 were announced"},
	{"none announced, one comes", wire(1, 5, 0, "x"), 1, "1 descriptors came, 0 were announced"},
	{"more than fit", wire(1, 5, 1, "x"), MostDescriptors + 20, "descriptors were lost"},
}

func TestReceiveRefuses(t *testing.T) {
	for _, c := range badWires {
		t.Run(c.name, func(t *testing.T) {
			a, b := twoEnds(t)
			before := openFiles(t)
			fds := make([]int, c.fds)
			for i := range fds {
				fds[i] = int(os.Stderr.Fd())
			}
			if err := a.write(c.b, fds); err != nil {
				t.Fatal(err)
			}
			a.Close()
			m, err := b.Receive()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want %q", m, err, c.want)
			}
			if now := openFiles(t) - before; now != -1 { // a's own
				t.Errorf("%d descriptors more than before", now)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	var good bytes.Buffer
	if err := gob.NewEncoder(&good).Encode("text"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, want string }{
		{"x", "kind 9"},
		{good.String() + "more", "4 bytes after its value"},
	} {
		var s string
		m := &Message{Kind: 9, body: []byte(c.body)}
		if err := m.Decode(&s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.body, err, c.want)
		}
	}
}

// Nobody waits longer than until the deadline, whichever way: for one who says nothing, who takes nothing, who takes no
// descriptors.
func TestDeadline(t *testing.T) {
	a, b := twoEnds(t)
	soon := time.Now().Add(50 * time.Millisecond)
	if err := errors.Join(a.SetDeadline(soon), b.SetDeadline(soon)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Receive(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("receive: %v", err)
	}
	if err := a.Send(testKind, make([]byte, 4<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("send: %v", err)
	}
	if err := a.Send(testKind, 1, 1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("send a descriptor: %v", err)
	}
}

// FuzzReceive: whatever comes, no descriptor is left and nothing breaks.
func FuzzReceive(f *testing.F) {
	for _, c := range badWires {
		f.Add(c.b, byte(c.fds))
	}
	var hello bytes.Buffer
	if err := gob.NewEncoder(&hello).Encode(&Hello{Version: 1, Program: "a"}); err != nil {
		f.Fatal(err)
	}
	f.Add(wire(uint32(hello.Len()), byte(KindHello), 2, hello.String()), byte(2))
	f.Fuzz(func(t *testing.T, b []byte, count byte) {
		a, c := twoEnds(t)
		before := openFiles(t)
		fds := make([]int, min(int(count), MostDescriptors))
		for i := range fds {
			fds[i] = int(os.Stderr.Fd())
		}
		if len(b) == 0 {
			fds = nil // there is nothing for them to come with
		}
		b = b[:min(len(b), 64<<10)] // as much as fits in the socket
		if err := a.write(b, fds); err != nil {
			t.Fatal(err)
		}
		a.conn.CloseWrite()
		for {
			m, err := c.Receive()
			if err != nil {
				break
			}
			var hello Hello
			_ = m.Decode(&hello)
			m.Close()
		}
		if now := openFiles(t) - before; now != 0 {
			t.Errorf("%d descriptors more than before", now)
		}
	})
}

func TestConnOfRefuses(t *testing.T) {
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	datagrams, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(datagrams)
	file := marked(t, "no socket")
	defer file.Close()
	for name, fd := range map[string]int{
		"a file": int(file.Fd()), "UDP": int(socket.Fd()), "Unix datagrams": datagrams, "nothing": 1 << 20,
	} {
		copied, err := unix.Dup(fd)
		if err != nil {
			copied = fd
		}
		if c, err := connOf(copied); err == nil {
			c.Close()
			t.Errorf("%s: no error", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
