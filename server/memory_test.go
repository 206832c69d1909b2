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
		if got := m.due(c.conns, false); got != c.want {
			t.Errorf("second %d, %d connections: %v, want %v", i, c.conns, got, c.want)
		}
	}
}

// A flood of requests leaves as much garbage behind as a crowd, though connections are as many as before.
func TestTrimmerAfterFlood(t *testing.T) {
	m := trimmer{since: 10}
	for i, c := range []struct {
		busy, want bool
	}{
		{false, false}, {true, false}, {true, false}, {false, true}, {false, false}, // over
		{true, false}, {false, false}, // another one, too soon
	} {
		if got := m.due(100, c.busy); got != c.want {
			t.Errorf("second %d, busy %v: %v, want %v", i, c.busy, got, c.want)
		}
	}
	for range 8 {
		if m.due(100, false) {
			return
		}
	}
	t.Error("memory is kept after the second flood")
}
