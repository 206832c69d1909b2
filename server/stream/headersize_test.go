package stream

import (
	"testing"

	"pumpd/asf"
)

func TestRefusers(t *testing.T) {
	for n, want := range map[int]string{
		8192: "", 8193: "xine (8192)", 16384: "xine (8192)", 16385: "xine (8192), libmms (16384)",
		65524: "xine (8192), libmms (16384)", 65525: "xine (8192), libmms (16384), VLC (65524), FFmpeg (65524)",
		asf.MaxHeader: "xine (8192), libmms (16384), VLC (65524), FFmpeg (65524)",
	} {
		if got := refusers(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
