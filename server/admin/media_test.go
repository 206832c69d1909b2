package admin

import "testing"

func TestFrameRate(t *testing.T) {
	for frameTime, want := range map[uint64]float64{
		0: 0, 400_000: 25, 333_667: 29.97, 333_333: 30, 417_083: 23.98, 1e7: 1, 1e8: 0.1, 10_000: 1000,
		9_999: 0, 1: 0, 1 << 63: 0,
	} {
		if got := frameRate(frameTime); got != want {
			t.Errorf("%d × 100 ns: %v, want %v", frameTime, got, want)
		}
	}
}

func TestMediaInWords(t *testing.T) {
	for _, c := range []struct {
		media       mediaReport
		brief, full string
	}{
		{
			mediaReport{Kind: "video", Codec: "WMV3", Width: 640, Height: 480, FrameRate: 29.97, Bitrate: 500_000},
			"WMV3 640×480 29.97 fps", "WMV3 640×480 29.97 fps 500 kbit/s",
		},
		{mediaReport{Kind: "video", Codec: "WMV3", Width: 320, Height: 240}, "WMV3 320×240", "WMV3 320×240"},
		{
			mediaReport{Kind: "audio", Codec: "WMA 2", Channels: 2, SampleRate: 44100},
			"WMA 2", "WMA 2 44.1 kHz 2 ch",
		},
		{mediaReport{Kind: "other"}, "", "other"},
	} {
		if got, full := c.media.brief(), c.media.String(); got != c.brief || full != c.full {
			t.Errorf("%+v: %q and %q, want %q and %q", c.media, got, full, c.brief, c.full)
		}
	}
}
