package codec

import (
	"fmt"
	"testing"
)

// %q tells nil from empty no more than == does, so a missing cookie shows as none.
var cookies = []struct{ in, want string }{
	{"push-id=123", `"123"`},
	{"funny=2 ; push-id=123", `"123"`},
	{"push-id=123;funny=2", `"123"`},
	{"push-id=123 ; funny=2", `"123"`},
	{"a=1;b=2;  push-id = 123 ", `"123"`},
	{"\tpush-id\t=\t123\t", `"123"`},
	{"PUSH-ID=123", `"123"`},
	{`push-id="123"`, `"123"`},
	{`push-id="`, `"\""`},
	{"push-id=a=b", `"a=b"`},
	{"push-id=", `""`},
	{"push-id= ;push-id=1", `""`},
	{"push-id=1;push-id=2", `"1"`},
	{";;push-id=1;;", `"1"`},
	{"$Version=1; push-id=1", `"1"`},

	{"", "none"},
	{"push-id", "none"},
	{"push-id;a=1", "none"},
	{"xpush-id=1", "none"},
	{"push-idx=1", "none"},
	{"a=push-id=1", "none"},
	{"=push-id", "none"},
	{"push id=1", "none"},
}

func TestCookieValue(t *testing.T) {
	for _, c := range cookies {
		got := "none"
		if v := CookieValue([]byte(c.in), "Push-Id"); v != nil {
			got = fmt.Sprintf("%q", v)
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}

func FuzzCookie(f *testing.F) {
	for _, c := range cookies {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := CookieValue(b, "push-id")
		if !within(b, v) {
			t.Errorf("%q lies outside the input", v)
		}
		if again := CookieValue(append([]byte("a=1 ; "), b...), "push-id"); string(again) != string(v) {
			t.Errorf("%q: got %q, behind another cookie %q", b, v, again)
		}
	})
}
