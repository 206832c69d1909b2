package fanout

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pumpd/server/uring"
)

func testURing(t testing.TB) *ringEngine { return testEngine(t, "io_uring").(*ringEngine) }

// breakRing has the kernel refuse what is submitted, until mend.
func breakRing(t *testing.T, r *uring.Ring) (mend func()) {
	t.Helper()
	kept, err := unix.FcntlInt(uintptr(r.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := unix.Dup3(int(null.Fd()), r.FD(), unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Dup3(kept, r.FD(), unix.O_CLOEXEC); err != nil {
			t.Error(err)
		}
		unix.Close(kept)
	}
}

// When the kernel takes nothing, all go out without it, and the log says so once.
func TestRefusedSendsGoOutOneByOne(t *testing.T) {
	u := testURing(t)
	var log bytes.Buffer
	u.log = slog.New(slog.NewTextHandler(&log, nil))
	mend := breakRing(t, u.ring)
	b, ends := framesOf([]int{20, 5000, 30})
	lines, want, got := []cable{}, [][]byte{}, results{}
	for i := range manyViewers {
		lines = append(lines, lineKinds[i%len(lineKinds)].line(t))
		want = append(want, parcel(b, ends, i))
		u.Send(lines[i].v, b, got)
	}
	u.Flush()
	for i, l := range lines {
		k, r := lineKinds[i%len(lineKinds)], got[l.v]
		if !k.want(r, len(b)) || r.times != 1 {
			t.Fatalf("viewer %d, %s: %+v of %d bytes", i, k.name, r, len(b))
		}
		if !bytes.Equal(l.take(t, r.n), want[i][:r.n]) {
			t.Fatalf("viewer %d, %s, got other bytes than it was sent", i, k.name)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors were logged, want 1:\n%s", n, log.String())
	}
	mend()
	got = results{}
	u.Send(lines[0].v, b, got)
	u.Flush()
	if r := got[lines[0].v]; r != (result{len(b), 0, 1}) {
		t.Errorf("after that: %+v, want %d bytes", r, len(b))
	}
}

// A segment for which even an empty stage has no room is sent at once, and those before it first.
func TestTooLargeForTheStage(t *testing.T) {
	for name, sizes := range map[string][]int{
		"bytes":   repeated(stageBytes/900, 900),
		"vectors": repeated(stageVectors/2+1, copiedBytes),
	} {
		u := testURing(t)
		l := unixCable(t, 64<<10)
		small, ends := framesOf([]int{100})
		got := results{}
		first := parcel(small, ends, 1)
		u.Send(l.v, small, got)
		large, ends := framesOf(sizes)
		second := parcel(large, ends, 2)
		u.Send(l.v, large, got)
		r := got[l.v]
		if r.times != 2 || r.n == 0 || r.n >= len(large) || r.errno != 0 {
			t.Fatalf("%s: %+v, want the second of two reports, of a part of %d bytes", name, r, len(large))
		}
		if b := l.take(t, len(first)+r.n); !bytes.Equal(b, append(first, second[:r.n]...)) {
			t.Errorf("%s: other bytes came than were sent", name)
		}
	}
}

// What firstFrame says of a frame that is not one must not lead beyond the bytes that there are.
func TestFirstFrame(t *testing.T) {
	for _, c := range []struct {
		name     string
		b        []byte
		own, all int
	}{
		{"copied", frameOf(copiedBytes - 1), copiedBytes + 11, copiedBytes + 11},
		{"referred to", frameOf(copiedBytes), 12, copiedBytes + 12},
		{"then another", append(frameOf(2000), frameOf(20)...), 12, 2012},
		{"cut in its prefix", frameOf(2000)[:11], 11, 11},
		{"cut in its payload", frameOf(2000)[:2011], 2011, 2011},
		{"shorter than a prefix", []byte{'$', 'D', 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 13, 13},
		{"longer than there is", []byte{'$', 'D', 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 13, 13},
	} {
		if own, all := firstFrame(c.b, copiedBytes); own != c.own || all != c.all {
			t.Errorf("%s: %d of %d bytes, want %d of %d", c.name, own, all, c.own, c.all)
		}
	}
}

func frameOf(payload int) []byte {
	b, _ := framesOf([]int{payload})
	return b
}

// Between rounds the engine must not keep viewers and segments alive.
func TestBatchIsForgotten(t *testing.T) {
	u := testURing(t)
	b, _ := framesOf([]int{2000})
	for range batchSends + 10 {
		u.Send(unixCable(t, 1).v, b, &sentCount{})
	}
	u.Flush()
	for i, s := range u.batch[:cap(u.batch)] {
		if s.v != nil || s.b != nil || s.done != nil {
			t.Fatalf("entry %d is still %+v", i, s)
		}
	}
	if u.vectors != 0 || u.bytes != 0 || len(u.batch) != 0 {
		t.Errorf("%d sends, %d vectors, %d bytes in use, want none", len(u.batch), u.vectors, u.bytes)
	}
}
