package server

import "testing"

func TestTrimmer(t *testing.T) {
	var m trimmer
	for i, c := range []struct {
		conns int64
		want  bool
	}{
		{0, false}, {200, false}, {200, false}, // few
		{2000, false}, {4000, false}, {4010, true}, {4010, false}, // a crowd comes, then rests
		{4300, false}, {4300, false}, // less than an eighth
		{100, false}, {110, true}, {100, false}, // it goes, but for some who come and go
	} {
		if got := m.due(c.conns); got != c.want {
			t.Errorf("second %d, %d connections: %v, want %v", i, c.conns, got, c.want)
		}
	}
}
