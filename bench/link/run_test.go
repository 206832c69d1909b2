package link

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeDevice gives what is put into in, and remembers when it was given something.
type fakeDevice struct {
	in      chan []byte
	closed  chan struct{}
	failure error // of Read
	begin   time.Time
	got     []arrival
}

func newFakeDevice() *fakeDevice {
	return &fakeDevice{in: make(chan []byte), closed: make(chan struct{}), begin: time.Now()}
}

func (d *fakeDevice) Read(b []byte) (int, error) {
	if d.failure != nil {
		return 0, d.failure
	}
	select {
	case p := <-d.in:
		return copy(b, p), nil
	case <-d.closed:
		return 0, io.EOF
	}
}

func (d *fakeDevice) Write(b []byte) (int, error) {
	d.got = append(d.got, arrival{int(b[0]), time.Since(d.begin)})
	return len(b), nil
}

func (d *fakeDevice) Close() error {
	close(d.closed)
	return nil
}

// Each direction has its shape, and a script changes it, to the packet.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newFakeDevice(), newFakeDevice()
		narrow, err := ParseChange("10ms:up:rate=6Mbit")
		if err != nil {
			t.Fatal(err)
		}
		opt := Options{
			Shapes: [2]Shape{Up: of(t, "rate=12Mbit,queue=3ms,delay=1ms"), Down: of(t, "delay=5ms")},
			Script: []Change{narrow},
		}
		ctx, cancel := context.WithCancel(t.Context())
		var out strings.Builder
		ended := make(chan error)
		go func() { ended <- Run(ctx, opt, here, there, &out) }()
		for i := range 4 { // the fourth finds the queue full
			there.in <- []byte{0: byte(i), 1499: 0}
		}
		here.in <- []byte{9}
		time.Sleep(20 * ms)
		there.in <- []byte{0: 4, 1499: 0}
		time.Sleep(20 * ms)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := []arrival{{0, 2 * ms}, {1, 3 * ms}, {2, 4 * ms}, {4, 23 * ms}}; !slices.Equal(here.got, want) {
			t.Errorf("up: got %v, want %v", here.got, want)
		}
		if want := []arrival{{9, 5 * ms}}; !slices.Equal(there.got, want) {
			t.Errorf("down: got %v, want %v", there.got, want)
		}
		for _, want := range []string{
			"up   at 10ms: rate=6Mbit,queue=3ms,delay=1ms,loss=0%\n",
			"up   passed 4 packets, 0.01 MB, 1.20 Mbit/s; dropped by the queue 1, lost 0; longest queue 4500 bytes, 3ms\n",
			"down passed 1 packets,",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("printed\n%swithout\n%s", &out, want)
			}
		}
	})
}

func TestRunEndsWithItsDevice(t *testing.T) {
	here, there := newFakeDevice(), newFakeDevice()
	here.failure = errors.New("broken")
	err := Run(t.Context(), Options{}, here, there, io.Discard)
	if !errors.Is(err, here.failure) || !strings.Contains(err.Error(), "down") {
		t.Errorf("got %v", err)
	}
}
