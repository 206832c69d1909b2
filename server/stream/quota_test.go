package stream

import (
	"errors"
	"testing"
	"time"

	"pumpd/asf/asftest"
)

// A source that sends nothing but headers is given up, whether they are new or not, and so is one whose clock jumps
// with each packet.
func TestRestlessSource(t *testing.T) {
	for name, step := range map[string]func(f *studio, i uint32) error{
		"other headers": func(f *studio, i uint32) error { return f.src.Header(asftest.Header(asftest.PacketSize, i)) },
		"same header":   func(f *studio, i uint32) error { return f.src.Header(asftest.Header(asftest.PacketSize, 320)) },
		"jumps": func(f *studio, i uint32) error {
			at := i % 2 * 3_600_000
			if err := f.src.Packet(asftest.Packet(2*i, at, true, asftest.PacketSize, 500)); err != nil {
				return err
			}
			return f.src.Packet(asftest.Packet(2*i+1, at+40, true, asftest.PacketSize, 500)) // one alone is not believed
		},
	} {
		f := newStudio(t, nil)
		f.header(320) // one
		f.publish(2)
		i := uint32(1)
		for ; step(f, i) == nil; i++ {
			if i > 100 {
				t.Fatalf("%s: %d at once", name, i)
			}
		}
		if err := step(f, i); !errors.Is(err, errRestless) || int64(i) != changeQuota.most {
			t.Errorf("%s: %v after %d, want %v after %d", name, err, i, errRestless, changeQuota.most)
		}
		if n := f.st.stats.Generations.Load(); int64(n) > changeQuota.most+1 {
			t.Errorf("%s: %d generations", name, n)
		}
	}
}

// One header a second is what a playlist may do for ever.
func TestPatientSource(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	for i := range uint32(1000) {
		f.header(i)
		f.publish(10)
		f.pass(time.Second)
	}
}

// Packets that are all padding are amplified here by thousands, those of a slow stream by less than matters.
func TestPaddingFlood(t *testing.T) {
	const size = 65524
	send := func(f *studio, n int) (took int64, err error) {
		b := asftest.Packet(f.next, f.next*10, true, size, n)[:31+n]
		b[5], b[6] = 0, 0 // padding length
		for took = range 3000 {
			if err = f.src.Packet(b); err != nil {
				break
			}
		}
		return took, err
	}
	for _, c := range []struct {
		payload int
		most    int64
	}{{4, paddingQuota.most / size}, {size/8 + 1 - 31, 2999}} {
		f := newStudio(t, nil)
		if err := f.src.Header(asftest.Header(size, 320)); err != nil {
			t.Fatal(err)
		}
		if took, err := send(f, c.payload); took != c.most || (err == nil) != (c.most == 2999) {
			t.Errorf("payload of %d bytes: %d packets, %v, want %d", c.payload, took, err, c.most)
		} else if err != nil && !errors.Is(err, errPadding) {
			t.Errorf("%v, want %v", err, errPadding)
		}
	}
}
