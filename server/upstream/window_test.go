package upstream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// A window gives every byte once, in order, however it is filled and used.
func TestWindow(t *testing.T) {
	in := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvw"), 50)
	for size := 1; size < 40; size++ {
		w := newWindow(iotest.HalfReader(bytes.NewReader(in)), size)
		var out []byte
		for {
			err := w.fill()
			if err == io.EOF {
				break
			}
			if err != nil && !errors.Is(err, errWindow) && err != io.ErrUnexpectedEOF {
				t.Fatalf("size %d: %v", size, err)
			}
			n := (len(w.bytes()) + 1) / 2
			out = append(out, w.bytes()[:n]...)
			w.use(n)
		}
		if !bytes.Equal(out, in) {
			t.Fatalf("size %d: %d bytes out, want the %d that went in", size, len(out), len(in))
		}
	}
}

func TestWindowErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		from io.Reader
		held string
		want error
	}{
		{"end", strings.NewReader(""), "", io.EOF},
		{"end in the middle", strings.NewReader("ab"), "ab", io.ErrUnexpectedEOF},
		{"full", strings.NewReader("abcdef"), "abcd", errWindow},
		{"broken", iotest.ErrReader(broken), "", broken},
		{"bytes and an error", io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), "ab", broken},
		{"nothing", idle{}, "", io.ErrNoProgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWindow(tt.from, 4)
			var err error
			for err == nil {
				err = w.fill()
			}
			if err != tt.want || string(w.bytes()) != tt.held {
				t.Errorf("holds %q, %v, want %q, %v", w.bytes(), err, tt.held, tt.want)
			}
		})
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// A server that sends as fast as it is read is read no faster than any stream is, from the time on when it has sent
// what may come at once. One that pauses may send so much again.
func TestWindowRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(endless{}, windowSize)
		read := func(n int) (took time.Duration) {
			t.Helper()
			begin := time.Now()
			for ; n > 0; n -= windowSize {
				if err := w.fill(); err != nil {
					t.Fatal(err)
				}
				w.use(windowSize)
			}
			return time.Since(begin)
		}
		if took := read(mostAtOnce); took != 0 {
			t.Errorf("the first %d bytes took %v", mostAtOnce, took)
		}
		if took := read(5 * mostPerSecond); took != 5*time.Second {
			t.Errorf("%d more bytes took %v, want 5s", 5*mostPerSecond, took)
		}
		time.Sleep(worth(mostAtOnce))
		if took := read(mostAtOnce); took != 0 {
			t.Errorf("%d bytes after a pause took %v", mostAtOnce, took)
		}
	})
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
