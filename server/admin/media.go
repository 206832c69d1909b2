package admin

import (
	"fmt"
	"math"
	"strings"

	"pumpd/asf"
)

// reportMedia says what is in a header, which may be nil.
func reportMedia(h *asf.Header) (list []mediaReport) {
	if h == nil {
		return nil
	}
	for _, s := range h.Streams {
		m := mediaReport{Kind: "other", Bitrate: s.Bitrate}
		switch s.Kind {
		case asf.Video:
			m.Kind, m.Codec, m.Width, m.Height = "video", fourCC(s.Tag), s.Width, s.Height
			m.FrameRate = frameRate(s.FrameTime)
		case asf.Audio:
			m.Kind, m.Codec, m.Channels, m.SampleRate = "audio", audioName(s.Tag), s.Channels, s.SampleRate
		}
		list = append(list, m)
	}
	return list
}

// frameRate is how many frames a second there are, to a hundredth, of which each takes so many 100 ns; 0 where that is
// not known or nonsense.
func frameRate(frameTime uint64) float64 {
	const second, most = 1e7, 1000
	if frameTime < second/most {
		return 0
	}
	return math.Round(100*second/float64(frameTime)) / 100
}

// fourCC writes a tag such as WMV3.
func fourCC(tag uint32) string {
	b := []byte{byte(tag), byte(tag >> 8), byte(tag >> 16), byte(tag >> 24)}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("0x%08x", tag)
		}
	}
	return string(b)
}

// audioName writes a wave format tag, by its name where one of those is meant that ASF mostly has.
func audioName(tag uint32) string {
	names := map[uint32]string{
		0x0A: "WMA Voice", 0x50: "MP2", 0x55: "MP3", 0x160: "WMA 1", 0x161: "WMA 2", 0x162: "WMA Pro", 0x163: "WMA Lossless",
		0xFF: "AAC",
	}
	if name := names[tag]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%04x", tag)
}

// brief is for a row of the overview.
func (m mediaReport) brief() string {
	words := []string{m.Codec}
	if m.Width > 0 {
		words = append(words, fmt.Sprintf("%d×%d", m.Width, m.Height))
	}
	if m.FrameRate > 0 {
		words = append(words, fmt.Sprintf("%.4g fps", m.FrameRate))
	}
	return strings.Join(words, " ")
}

// String is for the page of a stream.
func (m mediaReport) String() string {
	words := []string{m.brief()}
	if m.Kind == "other" {
		words[0] = m.Kind
	}
	if m.SampleRate > 0 {
		words = append(words, fmt.Sprintf("%.4g kHz", float64(m.SampleRate)/1000), fmt.Sprintf("%d ch", m.Channels))
	}
	if m.Bitrate > 0 {
		words = append(words, bitRate(float64(m.Bitrate)))
	}
	return strings.Join(words, " ")
}
