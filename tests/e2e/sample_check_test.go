package e2e

import (
	"bytes"
	"slices"
	"testing"
)

// The sample and the reading of packets must agree, or the tests that compare packets would compare nothing.
func TestSample(t *testing.T) {
	if n, err := packetSize(sampleHeader()); n != samplePacket || err != nil {
		t.Errorf("packet size %d, error %v, want %d", n, err, samplePacket)
	}
	for i, l := range layouts {
		b := l.packet(1234, 5)
		p, err := cutPacket(b)
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		if len(b) != samplePacket || p.sendTime != 1234 || p.duration != 40 {
			t.Errorf("%s: %d bytes, send time %d, duration %d", l.name, len(b), p.sendTime, p.duration)
		}
		if got := p.startsKeyFrame(sampleVideo); got != (i == 0) {
			t.Errorf("%s: starts a key frame: %v", l.name, got)
		}
		short := stripPadding(b)
		q, err := cutPacket(short)
		if err != nil || q.content() != p.content() {
			t.Errorf("%s: stripped to %d bytes it differs, error %v", l.name, len(short), err)
		}
		if p.paddingWidth == 0 && !bytes.Equal(short, b) {
			t.Errorf("%s: stripping changed a packet without padding", l.name)
		}
	}
}

// Content is what makes two packets equal, so it must tell different ones apart.
func TestContentDiffers(t *testing.T) {
	base := layouts[1].packet(1000, 1)
	want, _ := cutPacket(base)
	for _, c := range []struct {
		name string
		at   int
	}{
		{"send time", 6}, {"duration", 10}, {"stream", 12}, {"first media byte", 27}, {"last media byte", samplePacket - 78},
		{"properties' sequence", 4}, {"padding length", 5},
	} {
		b := append([]byte(nil), base...)
		b[c.at] ^= 1
		if got, err := cutPacket(b); err == nil && got.content() == want.content() {
			t.Errorf("%s: a changed bit at %d is not seen", c.name, c.at)
		}
	}
}

func TestPayloadList(t *testing.T) {
	parts, err := cutPacket(keyFrameLast(7, 3))
	if err != nil {
		t.Fatal(err)
	}
	got := parts.list()
	want := []payload{
		{sampleVideo, false, 0, 7 + 3000, string(media(3, 80))},
		{sampleAudio, true, 0, 7 + 3000, string(media(4, 75))},
		{sampleVideo, true, 0, 7 + 3000, string(media(5, 90))},
	}
	if !slices.Equal(got, want) {
		t.Errorf("payloads\n%v, want\n%v", got, want)
	}
	if !parts.startsKeyFrame(sampleVideo) || parts.startsKeyFrame(sampleAudio+1) {
		t.Error("the key frame is not seen, or one that is not there")
	}
}
