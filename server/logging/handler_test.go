package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
)

// A word is like our enums, and spelled like what shows only a part of itself.
type (
	word    int
	spelled struct{ name, secret string }
)

func (w word) String() string     { return fmt.Sprintf("word %d", int(w)) }
func (s *spelled) String() string { return s.name }

// Whatever is logged is the same word in both formats.
func TestLogValues(t *testing.T) {
	for _, c := range []struct {
		value any
		want  any // in JSON
	}{
		{"plain", "plain"},
		{7, 7.0},
		{uint64(7), 7.0},
		{0.5, 0.5},
		{true, true},
		{90 * time.Second, "1m30s"},
		{errors.New("why"), "why"},
		{fmt.Errorf("outer: %w", errors.New("inner")), "outer: inner"},
		{(*net.OpError)(nil), "<nil>"},
		{nil, "<nil>"},
		{word(1), "word 1"},
		{&spelled{"user", "secret"}, "user"},
		{netip.MustParseAddrPort("[2001:db8::1]:80"), "[2001:db8::1]:80"},
		{netip.MustParseAddr("192.0.2.1"), "192.0.2.1"},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5}, "192.0.2.1:5"},
		{[]string{"a", "b"}, "[a b]"},
		{struct{ A, B int }{1, 2}, "{1 2}"},
		{"a\nb", `a\nb`},
		{"\x1b[31mred", `\x1b[31mred`},
		{"\u0085\u009b31m", `\u0085\u009b31m`},
		{"\u2028\u2029\u202e\ufeff\u00a0\U000e0001", `\u2028\u2029\u202e\ufeff\u00a0\U000e0001`},
		{"\x7f", `\x7f`},
		{"\xff\xc3", `\xff\xc3`},
		{"\ufffd", "\ufffd"},
		{"Grüße, 世界 😀", "Grüße, 世界 😀"},
		{errors.New("says \u009b2J"), `says \u009b2J`},
		{strings.Repeat("x", maxText+1), strings.Repeat("x", maxText) + "…"},
	} {
		var text, lines bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&lines, nil)} {
			q, _ := queueTo(h)
			q.Logger().Info("m", "k", c.value)
			q.Logger().With("k", c.value).Info("m")
			q.Logger().Info("m", slog.Group("g", "k", c.value))
			q.Drain()
		}
		dec := json.NewDecoder(&lines)
		for i := range 3 {
			var got map[string]any
			if err := dec.Decode(&got); err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				got = got["g"].(map[string]any)
			}
			if got["k"] != c.want {
				t.Errorf("%T %v: JSON %q, want %q", c.value, c.value, got["k"], c.want)
			}
		}
		for _, out := range []string{text.String(), lines.String()} {
			if i := strings.IndexFunc(strings.ReplaceAll(out, "\n", ""),
				func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%T %q passes: %q", c.value, c.value, out)
			}
		}
		if n := strings.Count(text.String(), "\n"); n != 3 {
			t.Errorf("%T %q: %d lines of text, want 3", c.value, c.value, n)
		}
	}
}

func TestLogMessage(t *testing.T) {
	var out bytes.Buffer
	q, _ := queueTo(slog.NewJSONHandler(&out, nil))
	q.Logger().Info("a\u009bb")
	q.Drain()
	if !strings.Contains(out.String(), `"msg":"a\\u009bb"`) {
		t.Errorf("got %q", out.String())
	}
}
