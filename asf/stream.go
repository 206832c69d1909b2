package asf

import "fmt"

// Kind says what a stream carries.
type Kind uint8

const (
	Audio Kind = iota + 1 // zero is "no such stream"
	Video
	Command // scripts: captions, URLs
	Other   // pictures, files, private types
)

// String returns the word for status pages and logs.
func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	case Command:
		return "command"
	case Other:
		return "other"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// kindOf maps the type GUID of a Stream Properties Object.
func kindOf(id GUID) Kind {
	switch id {
	case audioMedia:
		return Audio
	case videoMedia:
		return Video
	case commandMedia:
		return Command
	}
	return Other
}

// A Stream is one elementary stream of a header. The format fields are zero where the stream does not have them or is
// too short to tell: nothing here depends on them, they are for people to look at.
type Stream struct {
	Number    uint8 // 1 to 127
	Kind      Kind
	Bitrate   uint32 // bit/s as declared, 0 if it is not
	Encrypted bool

	Tag           uint32 // video: FourCC, first letter lowest; audio: wave format tag, e.g. 0x161 for WMA 2
	Width, Height uint32 // video, pixels
	FrameTime     uint64 // video: mean time of a frame, 100 ns, 0 if it is not declared
	Channels      uint16 // audio
	SampleRate    uint32 // audio, Hz
}

const (
	streamHead  = 78  // fixed part of a Stream Properties Object, bytes
	maxStream   = 127 // a stream number has seven bits, and 0 is none
	videoFormat = 11  // before the BITMAPINFOHEADER: width u32, height u32, 02, size u16
)

// parseStream reads a Stream Properties Object, section 3.3.
//
//	 24         40         56       64   68   72      74         78
//	+----------+----------+--------+----+----+-------+----------+---------+---------+
//	| type     | error    | time   | T  | E  | flags | reserved | T bytes | E bytes |
//	| GUID     | corr.    | offset | u32| u32| u16   |          |         |         |
//	+----------+----------+--------+----+----+-------+----------+---------+---------+
//
// flags: bits 0-6 stream number, bit 15 encrypted.
func parseStream(b []byte) (Stream, error) {
	if len(b) < streamHead {
		return Stream{}, fmt.Errorf("%d bytes, need %d", len(b), streamHead)
	}
	format, correction := uint64(le.Uint32(b[64:])), uint64(le.Uint32(b[68:]))
	if format+correction > uint64(len(b)-streamHead) {
		return Stream{}, fmt.Errorf("type-specific data: %d + %d bytes, room for %d", format, correction, len(b)-streamHead)
	}
	flags := le.Uint16(b[72:])
	s := Stream{Number: uint8(flags & 0x7F), Kind: kindOf(GUID(b[24:40])), Encrypted: flags&0x8000 != 0}
	if s.Number == 0 {
		return Stream{}, fmt.Errorf("number 0, allowed 1 to %d", maxStream)
	}
	s.describe(b[streamHead : streamHead+format])
	return s, nil
}

// describe takes what people want to know from the type-specific data: a WAVEFORMATEX for audio, for video the size and
// a BITMAPINFOHEADER with its FourCC at 16. Section 9.
func (s *Stream) describe(format []byte) {
	switch {
	case s.Kind == Audio && len(format) >= 8:
		s.Tag = uint32(le.Uint16(format))
		s.Channels = le.Uint16(format[2:])
		s.SampleRate = le.Uint32(format[4:])
	case s.Kind == Video && len(format) >= videoFormat+20:
		s.Width, s.Height = le.Uint32(format), le.Uint32(format[4:])
		s.Tag = le.Uint32(format[videoFormat+16:])
	}
}

const extendedHead = 88 // fixed part of an Extended Stream Properties Object, bytes

// An extended is what an Extended Stream Properties Object says of a stream.
type extended struct {
	number    uint16
	bitrate   uint32 // bit/s
	frameTime uint64 // 100 ns
	embedded  []byte // the object behind its variable part, empty if there is none
}

// parseExtended reads an Extended Stream Properties Object, section 4.1. Multi-bitrate files hide Stream Properties in
// its end.
//
//	 24        40      44        72       74     76      84      86
//	+---------+-------+---------+--------+------+-------+-------+------------+-------+------------+----------+
//	| start,  | bit/s | buffer, | stream | lang | frame | names | payload    | names | payload    | embedded |
//	| end     | u32   | flags.. | u16    | u16  | time  | count | ext. count |       | extensions | object   |
//	+---------+-------+---------+--------+------+-------+-------+------------+-------+------------+----------+
func parseExtended(b []byte) (extended, error) {
	if len(b) < extendedHead {
		return extended{}, fmt.Errorf("%d bytes, need %d", len(b), extendedHead)
	}
	rest := b[extendedHead:]
	// A name: language u16, length u16, text.
	for i := range le.Uint16(b[84:]) {
		if len(rest) < 4 || len(rest)-4 < int(le.Uint16(rest[2:])) {
			return extended{}, fmt.Errorf("stream name %d: past the end, %d bytes left", i, len(rest))
		}
		rest = rest[4+int(le.Uint16(rest[2:])):]
	}
	// A payload extension system: GUID, data size u16, info length u32, info.
	for i := range le.Uint16(b[86:]) {
		if len(rest) < 22 || uint64(len(rest)-22) < uint64(le.Uint32(rest[18:])) {
			return extended{}, fmt.Errorf("payload extension %d: past the end, %d bytes left", i, len(rest))
		}
		rest = rest[22+le.Uint32(rest[18:]):]
	}
	return extended{
		number: le.Uint16(b[72:]), bitrate: le.Uint32(b[40:]), frameTime: le.Uint64(b[76:]), embedded: rest,
	}, nil
}
