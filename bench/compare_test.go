package main

import (
	"slices"
	"testing"

	"pumpd/bench/compare"
)

func TestParsePoints(t *testing.T) {
	got, err := parsePoints(defaultPoints)
	want := []compare.Point{
		{Name: "P1", Viewers: 2000, Bitrate: 300e3, Packet: 1400},
		{Name: "P2", Viewers: 1000, Bitrate: 2e6, Packet: 8192},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "2000x300k", "ax300kx1400", "1xyx1", "1x1xz", "1x1x1x1"} {
		if got, err := parsePoints(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestParseSettings(t *testing.T) {
	got := parseSettings("merge=auto; merge=100ms,engine=io_uring;")
	want := [][]string{{`merge = "auto"`}, {`merge = "100ms"`, `engine = "io_uring"`}, nil}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := parseKeys("max_connections=900"), []string{"max_connections = 900"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
