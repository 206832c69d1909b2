package codec

import (
	"bytes"
	"testing"
)

var paths = []struct{ in, want string }{
	{"", ""},
	{"/streams/demo", "/streams/demo"},
	{"/streams/d%65mo", "/streams/demo"},
	{"/%73treams/%44%65%6d%6F%5fpush", "/streams/Demo_push"},
	{"/%30%39%2d%2E%7e", "/09-.~"},
	{"/streams%2Fdemo", "/streams%2Fdemo"},
	{"/a%20b%3Fc%25%00%FF", "/a%20b%3Fc%25%00%FF"},
	{"/a%2541", "/a%2541"}, // once only
	{"/a%%341", "/a%41"},   // what is left is not looked at again
	{"/a%", "/a%"},
	{"/a%6", "/a%6"},
	{"/a%6g%g6%+1", "/a%6g%g6%+1"},
	{"/streams/demo%23t=10", "/streams/demo"},
	{"/streams/demo#%23", "/streams/demo"},
	{"%23", ""},
}

func TestAppendPath(t *testing.T) {
	for _, c := range paths {
		if got := AppendPath(nil, []byte(c.in)); string(got) != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		for i := range c.in {
			AppendPath(nil, []byte(c.in)[:i:i])
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, c := range paths {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := AppendPath([]byte("x"), b)
		if len(got) > 1+len(b) || got[0] != 'x' || bytes.IndexByte(got, '#') >= 0 {
			t.Fatalf("%q: %q", b, got)
		}
		if !bytes.ContainsAny(b, "%#") && !bytes.Equal(got[1:], b) {
			t.Fatalf("%q: %q, want it as it is", b, got)
		}
	})
}
