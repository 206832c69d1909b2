package admin

import (
	"fmt"
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
		case asf.Audio:
			m.Kind, m.Codec, m.Channels, m.SampleRate = "audio", audioName(s.Tag), s.Channels, s.SampleRate
		}
		list = append(list, m)
	}
	return list
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

// String is for the page.
func (m mediaReport) String() string {
	words := []string{m.Codec}
	if m.Kind == "other" {
		words[0] = m.Kind
	}
	if m.Width > 0 {
		words = append(words, fmt.Sprintf("%d×%d", m.Width, m.Height))
	}
	if m.SampleRate > 0 {
		words = append(words, fmt.Sprintf("%.4g kHz", float64(m.SampleRate)/1000), fmt.Sprintf("%d ch", m.Channels))
	}
	return strings.Join(words, " ")
}
