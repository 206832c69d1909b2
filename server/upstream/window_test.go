package upstream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
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
