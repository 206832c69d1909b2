package config

import "testing"

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{":1", "127.0.0.1:1", true},
		{":1", "[::1]:1", true},
		{":1", "host:1", true},
		{":1", "0.0.0.0:1", true},
		{"[::]:1", "127.0.0.1:1", true},
		{"0.0.0.0:1", "127.0.0.1:1", true},
		{"0.0.0.0:1", "localhost:1", false}, // which may be ::1
		{"0.0.0.0:1", "[::1]:1", false},
		{":1", "127.0.0.1:2", false},
		{"127.0.0.1:1", "127.0.0.2:1", false},
		{"127.0.0.1:1", "[::1]:1", false},
	} {
		if got, back := overlap(c.a, c.b), overlap(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%s and %s: %v, and %v the other way, want %v", c.a, c.b, got, back, c.want)
		}
	}
}
