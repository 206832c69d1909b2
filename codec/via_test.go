package codec

import (
	"strings"
	"testing"
)

// The way that a message has come may be told on one line or on several.
func TestVia(t *testing.T) {
	for _, c := range []struct {
		fields, want string
		entries      int
	}{
		{"Host: h", "", 0},
		{"Via:", "", 0},
		{"Via: 1.0 a, 1.1 b", "1.0 a, 1.1 b", 2},
		{"Via: 1.0 a\r\nHost: h\r\nVIA:  1.0 b,1.0 c\r\nX-Via: 1.0 x\r\nvia:\r\nVia: 1.1 d", "1.0 a, 1.0 b,1.0 c, 1.1 d", 4},
		{"Via:\r\nVia: 1.0 a", "1.0 a", 1},
		{strings.Repeat("Via: a\r\n", MaxVia) + "Host: h", strings.Repeat(", a", MaxVia)[2:], MaxVia},
		{strings.Repeat("Via: a\r\n", 60) + "Host: h", strings.Repeat(", a", MaxVia+1)[2:], MaxVia + 1},
		{"Via: " + strings.Repeat(",", 1024), strings.Repeat(",", 1024), 1025},
	} {
		var r Request
		if _, err := ParseRequest([]byte(lines("GET / HTTP/1.0", c.fields)), maxHead, &r); err != nil {
			t.Errorf("request with %q: %v", c.fields, err)
		}
		var a Response
		if _, err := ParseResponse([]byte(lines("HTTP/1.0 200 OK", c.fields)), maxHead, &a); err != nil {
			t.Errorf("response with %q: %v", c.fields, err)
		}
		for _, v := range []*Via{&r.Via, &a.Via} {
			if v.String() != c.want || v.Entries() != c.entries || v.Empty() != (c.entries == 0) {
				t.Errorf("%q: %q, %d entries, empty %v, want %q, %d", c.fields, v, v.Entries(), v.Empty(), c.want, c.entries)
			}
			for _, name := range []string{"a", "d", "nobody"} {
				if v.Has([]byte(name)) != strings.Contains(c.want, name) {
					t.Errorf("%q has %q: %v", c.fields, name, v.Has([]byte(name)))
				}
			}
		}
	}
}

// Looking at the longest way costs next to nothing. It was put together anew at each look, with all that others had
// written there: 11 ms a request.
func TestViaAllocs(t *testing.T) {
	in := []byte(lines("GET / HTTP/1.0", strings.Repeat("Via: 1.0 a\r\n", maxFields-1)+"Host: h"))
	var r Request
	allocs := testing.AllocsPerRun(10, func() {
		if _, err := ParseRequest(in, maxHead, &r); err != nil {
			t.Fatal(err)
		}
		if r.Via.Empty() || r.Via.Entries() <= MaxVia || r.Via.Has([]byte("pumpd-")) {
			t.Fatalf("%q", &r.Via)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
