package codec

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// chunkeds are whole bodies; behind each the end of its input is tested with more bytes following.
var chunkeds = []struct{ name, in, want string }{
	{"empty", "0\r\n\r\n", ""},
	{"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
	{"two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
	{"hex digits in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"},
	{"leading zeros", "0000000000000000000000005\r\nhello\r\n000\r\n\r\n", "hello"},
	{"padded with blanks", "5  \t \r\nhello\r\n0 \r\n\r\n", "hello"},
	{"extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"},
	{"extension behind a blank", "5 ; a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello"},
	{"extension of nothing", "5;\r\nhello\r\n0\r\n\r\n", "hello"},
	{"trailer", "5\r\nhello\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", "hello"},
	{"data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"},
	{"longest line", "5;" + strings.Repeat("a", maxChunkLine-4) + "\r\nhello\r\n0\r\n\r\n", "hello"},
	{"longest trailer", "0\r\n" + strings.Repeat(strings.Repeat("a", 126)+"\r\n", maxTrailer/128-1) + strings.Repeat("a",
		124) + "\r\n\r\n", ""},
}

// feed gives in to a Chunked in pieces of step bytes, as a connection does: what is not consumed comes again. It
// returns the data, and how much of in was consumed.
func feed(t *testing.T, in []byte, step int) (body []byte, used int, err error) {
	t.Helper()
	var c Chunked
	for have := 0; ; {
		data, n, err := c.Next(in[used:have:have])
		if n < 0 || n > have-used || !within(in[used:used+n], data) {
			t.Fatalf("n %d of %d, data %q", n, have-used, data)
		}
		if err == nil && n == 0 || err == ErrShort && (n != 0 || data != nil) || err != nil && data != nil {
			t.Fatalf("n %d, data %q, %v", n, data, err)
		}
		body, used = append(body, data...), used+n
		switch {
		case err == ErrShort && have < len(in):
			have = min(have+step, len(in))
		case err != nil:
			if _, n, again := c.Next(in[used:have]); err == io.EOF && (again != io.EOF || n != 0) {
				t.Errorf("after the end: n %d, %v", n, again)
			}
			return body, used, err
		}
	}
}

func TestChunked(t *testing.T) {
	for _, c := range chunkeds {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 2, 3, 7, 1 << 20} {
				body, used, err := feed(t, []byte(c.in+"0\r\n\r\n"), step)
				if string(body) != c.want || used != len(c.in) || err != io.EOF {
					t.Errorf("%d bytes at a time: %q, %d of %d consumed, %v; want %q", step, body, used, len(c.in), err, c.want)
				}
			}
			for i := range len(c.in) {
				if body, _, err := feed(t, []byte(c.in)[:i], 1<<20); err != ErrShort || !strings.HasPrefix(c.want, string(body)) {
					t.Fatalf("cut at %d: %q, %v; want ErrShort", i, body, err)
				}
			}
		})
	}
}

var badChunkeds = []struct{ name, in, text string }{
	{"not chunked at all", "$H\xE8\x15\r\n", "not hexadecimal"},
	{"no size", "\r\n", "not hexadecimal"},
	{"no size, extension", ";a\r\n", "not hexadecimal"},
	{"negative size", "-5\r\n", "not hexadecimal"},
	{"size with a plus", "+5\r\n", "not hexadecimal"},
	{"size with 0x", "0x5\r\n", "not hexadecimal"},
	{"blank before the size", " 5\r\n", "not hexadecimal"},
	{"two sizes", "5 5\r\nhello", "not hexadecimal"},
	{"size of 2^63", "8000000000000000\r\n", "limit 7fff"},
	{"size that wraps to 5", "10000000000000005\r\n", "limit 7fff"},
	{"size that wraps an uint64 often", strings.Repeat("f", 200) + "\r\n", "limit 7fff"},
	{"endless size", strings.Repeat("0", maxChunkLine), "more than 256"},
	{"endless extension", "5;" + strings.Repeat("a", maxChunkLine-2), "more than 256"},
	{"LF behind the size", "5\nhello\r\n0\r\n\r\n", "CR or LF alone"},
	{"CR in the size line", "5\r;a\r\n", "CR or LF alone"},
	{"CR in an extension", "5;a\r0\r\n", "CR or LF alone"},
	{"LF in an extension", "5;a\n0\r\n", "CR or LF alone"},
	{"CR CR LF", "5\r\r\n", "CR or LF alone"},
	{"nothing but LF", "\n", "CR or LF alone"},
	{"chunk longer than it says", "5\r\nhello!\r\n", "behind its data"},
	{"chunk shorter than it says", "5\r\nhell\r\n0\r\n\r\n", "behind its data"},
	{"CR without LF behind the data", "5\r\nhello\r0", "behind its data"},
	{"LF behind the data", "5\r\nhello\n0\r\n\r\n", "behind its data"},
	{"CR in the trailer", "0\r\na\rb\r\n\r\n", "CR or LF alone"},
	{"LF behind the trailer", "0\r\na: b\r\n\n", "CR or LF alone"},
	{"endless trailer line", "0\r\n" + strings.Repeat("a", maxChunkLine), "more than 256"},
	{"endless trailer", "0\r\n" + strings.Repeat("a: b\r\n", maxTrailer), "limit 4096"},
}

func TestChunkedBad(t *testing.T) {
	for _, c := range badChunkeds {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 1 << 20} {
				_, _, err := feed(t, []byte(c.in), step)
				if err == nil || err == ErrShort || err == io.EOF || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%d bytes at a time: %v; want an error with %q", step, err, c.text)
				}
			}
		})
	}
}

// TestChunkedLargest takes the first bytes of the largest chunk there is: its size must not turn into anything else.
// One that goes on in another process after every byte reads the same.
func TestChunkedMoves(t *testing.T) {
	for _, c := range chunkeds {
		var moved Chunked
		var body []byte
		for in := []byte(c.in); ; {
			state, err := moved.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			moved = Chunked{}
			if err := moved.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			data, n, err := moved.Next(in)
			body, in = append(body, data...), in[n:]
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if string(body) != c.want {
			t.Errorf("%s: %q, want %q", c.name, body, c.want)
		}
	}
	for name, bad := range map[string]string{
		"short":       "\x00",
		"no state":    "\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"less than 0": "\x01\x00\x00\x00\x00\x00\x00\x00\x00\xFF\x00\x00\x00\x00",
		"no data":     "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"trailer":     "\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x10\x00\x00",
	} {
		if err := new(Chunked).UnmarshalBinary([]byte(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestChunkedLargest(t *testing.T) {
	body, _, err := feed(t, []byte("7fffffffffffffff\r\nhello"), 1)
	if string(body) != "hello" || err != ErrShort {
		t.Errorf("%q, %v; want hello, ErrShort", body, err)
	}
}

func TestChunkedAllocs(t *testing.T) {
	in := []byte(chunkeds[2].in)
	if n := testing.AllocsPerRun(10, func() { feed(t, in, 1) }); n > 2 { // the body that feed itself puts together
		t.Errorf("%v allocations", n)
	}
}

// FuzzChunked compares a body that comes whole with the same body in pieces, and checks that what we chunk comes out
// again.
func FuzzChunked(f *testing.F) {
	for i, c := range chunkeds {
		addSeed(f, []byte(c.in), uint8(i))
	}
	for i, c := range badChunkeds {
		addSeed(f, []byte(c.in), uint8(i))
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		body, used, err := feed(t, in, len(in)+1)
		body2, used2, err2 := feed(t, in, int(step)+1)
		if string(body) != string(body2) || used != used2 || verdict(err) != verdict(err2) {
			t.Errorf("whole:  %q, %d, %v\npieces: %q, %d, %v", body, used, err, body2, used2, err2)
		}
		if len(body) > len(in) {
			t.Errorf("%d bytes out of %d", len(body), len(in))
		}

		var out []byte
		for rest := in; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			out, rest = fmt.Appendf(out, "%x\r\n%s\r\n", n, rest[:n]), rest[n:]
		}
		out = append(out, "0\r\n\r\n"...)
		if body, used, err := feed(t, out, int(step)+1); string(body) != string(in) || used != len(out) || err != io.EOF {
			t.Errorf("round trip: %q, %d of %d, %v; want %q", body, used, len(out), err, in)
		}
	})
}

// verdict is an error without its text, which shows as much of a bad line as was there.
func verdict(err error) error {
	if err == ErrShort || err == io.EOF {
		return err
	}
	return errors.ErrUnsupported
}
