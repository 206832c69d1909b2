package stream

import (
	"syscall"
	"testing"

	"pumpd/server/clock"
)

// A viewer that is told of another header by a source that came back may ask for it at once, on a loop that is faster
// than the source.
func TestNewHeaderIsThereForWhoeverSeesIt(t *testing.T) {
	f := newStudio(t, nil)
	f.claim(Push)
	f.header(320)
	f.publish(11)
	f.src.Lost(syscall.ECONNRESET)
	f.claim(Push)
	f.header(640)
	if f.st.Up() != nil {
		t.Error("up with a header alone")
	}
	rung := 0
	f.st.ring = func(int, clock.Instant) {
		if rung++; f.st.Up() == nil || f.st.Header().Raw == nil {
			t.Errorf("bell %d: not up", rung)
		}
	}
	f.next = 20
	f.publish(2)
	if rung < 2 {
		t.Errorf("the bell rang %d times, want for the header and each packet", rung)
	}
}
