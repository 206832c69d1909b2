package asf

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

// headerCase is a header and what ParseHeader makes of it.
type headerCase struct {
	name    string
	in      []byte
	size    int // packet size
	streams []Stream
	bitrate uint32
}

var (
	audio1 = Stream{Number: 1, Kind: Audio, Tag: 0x161, Channels: 2, SampleRate: 44100}
	video2 = Stream{Number: 2, Kind: Video, Tag: 0x32564D57, Width: 320, Height: 240}
)

// at gives a stream of the table a bitrate.
func (s Stream) at(bitrate uint32) Stream { s.Bitrate = bitrate; return s }

func (s Stream) lasting(frame uint64) Stream { s.FrameTime = frame; return s }

func headerCases() []headerCase {
	properties := makeProperties(1400)
	audio, video := makeStream(1, audioMedia, wma), makeStream(2, videoMedia, wmv)
	unknown := makeObject(newGUID(0x75B22633, 0x668E, 0x11CF, 0xA6D900AA0062CE6C), []byte("a title"))
	return []headerCase{
		{"audio and video", makeHeader(properties, audio, video), 1400, []Stream{audio1, video2}, 500_000},
		{"live", makeHeader(makeLive(properties), audio), 1400, []Stream{audio1}, 500_000},
		{"smallest packets", makeHeader(makeProperties(32), audio), 32, []Stream{audio1}, 500_000},
		{"largest packets", makeHeader(makeProperties(65524), audio), 65524, []Stream{audio1}, 500_000},
		{"unknown objects, properties last", makeHeader(unknown, audio, unknown, properties), 1400, []Stream{audio1},
			500_000},
		{"wrong count of children", edit(makeHeader(properties, audio), 24, u32(99)), 1400, []Stream{audio1}, 500_000},
		{"bitrates", makeHeader(properties, audio, video, makeBitrates(2, 300_000, 1, 64_000)), 1400,
			[]Stream{audio1.at(64_000), video2.at(300_000)}, 364_000},
		{"bitrate of one of two", makeHeader(properties, audio, video, makeBitrates(1, 64_000)), 1400,
			[]Stream{audio1.at(64_000), video2}, 500_000},
		{"bitrate of one of two, more than the maximum", makeHeader(properties, audio, video, makeBitrates(2, 600_000)), 1400,
			[]Stream{audio1, video2.at(600_000)}, 600_000},
		{"bitrates of streams that are not there", makeHeader(properties, audio, makeBitrates(1, 64_000, 7, 1_000_000)), 1400,
			[]Stream{audio1.at(64_000)}, 64_000},
		{"bitrates that overflow", makeHeader(properties, audio, video, makeBitrates(1, math.MaxUint32, 2, math.MaxUint32)),
			1400, []Stream{audio1.at(math.MaxUint32), video2.at(math.MaxUint32)}, math.MaxUint32},
		{"bitrate in the extension", makeHeader(properties, audio, video,
			makeExtension(makeExtendedStream(1, 48_000, nil), makeExtendedStream(2, 250_000, nil))), 1400,
			[]Stream{audio1.at(48_000), video2.at(250_000)}, 298_000},
		{"bitrate declared and in the extension", makeHeader(makeExtension(makeExtendedStream(1, 48_000, nil)), properties,
			audio, makeBitrates(1, 64_000)), 1400, []Stream{audio1.at(64_000)}, 64_000},
		{"frame time", makeHeader(properties, audio, video, makeExtension(
			edit(makeExtendedStream(1, 0, nil), 76, u64(400_000)), edit(makeExtendedStream(2, 0, nil), 76, u64(333_667)))),
			1400, []Stream{audio1, video2.lasting(333_667)}, 500_000},
		{"stream in the extension", makeHeader(properties, audio, makeExtension(unknown,
			makeExtendedStream(2, 250_000, video))), 1400, []Stream{audio1, video2.at(250_000)}, 500_000},
		{"bitrate of a stream number out of range", makeHeader(properties, audio,
			makeExtension(makeExtendedStream(128, 48_000, nil))), 1400, []Stream{audio1}, 500_000},
		{"empty extension", makeHeader(properties, makeExtension(), audio), 1400, []Stream{audio1}, 500_000},
		{"encrypted", makeHeader(properties, makeStream(0x8001, audioMedia, nil)), 1400,
			[]Stream{{Number: 1, Kind: Audio, Encrypted: true}}, 500_000},
		{"commands and other", makeHeader(properties, makeStream(127, commandMedia, nil), makeStream(3, dataObject, nil)),
			1400,
			[]Stream{{Number: 127, Kind: Command}, {Number: 3, Kind: Other}}, 500_000},
		{"format too short to describe", makeHeader(properties, makeStream(1, audioMedia, wma[:7]),
			makeStream(2, videoMedia, wmv[:30])), 1400, []Stream{{Number: 1, Kind: Audio}, {Number: 2, Kind: Video}}, 500_000},
		{"1000 objects", makeHeader(properties, audio, makeExtension(manyObjects(997))), 1400, []Stream{audio1}, 500_000},
	}
}

// manyObjects is n objects of the smallest size.
func manyObjects(n int) []byte { return bytes.Repeat(makeObject(dataObject), n) }

func TestParseHeader(t *testing.T) {
	for _, tt := range headerCases() {
		t.Run(tt.name, func(t *testing.T) {
			in := join(tt.in)
			h, err := ParseHeader(in)
			if err != nil {
				t.Fatalf("ParseHeader: %v", err)
			}
			clear(in) // h has its own copy
			if !bytes.Equal(h.Raw, tt.in) {
				t.Errorf("Raw = %x, want %x", h.Raw, tt.in)
			}
			if h.PacketSize != tt.size || !reflect.DeepEqual(h.Streams, tt.streams) || h.Bitrate() != tt.bitrate {
				t.Errorf("packet size %d, streams %+v, %d bit/s, want %d, %+v, %d", h.PacketSize, h.Streams, h.Bitrate(),
					tt.size, tt.streams, tt.bitrate)
			}
			if want := strings.Contains(tt.name, "live"); h.Broadcast != want {
				t.Errorf("Broadcast = %v, want %v", h.Broadcast, want)
			}
			if h.Preroll != 3000 || h.PlayDuration != 130_000_000 || h.SendDuration != 100_000_000 || h.DataPackets != 40 ||
				h.MaxBitrate != 500_000 {
				t.Errorf("preroll %d, play %d, send %d, packets %d, max bitrate %d", h.Preroll, h.PlayDuration,
					h.SendDuration, h.DataPackets, h.MaxBitrate)
			}
		})
	}
}

func TestHasVideo(t *testing.T) {
	for _, tt := range headerCases() {
		h, err := ParseHeader(tt.in)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		want := false
		for _, s := range tt.streams {
			want = want || s.Kind == Video
		}
		if got := h.HasVideo(); got != want {
			t.Errorf("%s: HasVideo() = %v, want %v", tt.name, got, want)
		}
	}
}

// Of every header only two lengths are right: whole, and without the start of the Data Object, which is then made up.
func TestParseHeaderCut(t *testing.T) {
	for _, tt := range headerCases() {
		for n := range tt.in {
			h, err := ParseHeader(tt.in[:n])
			if n != len(tt.in)-dataHead {
				if err == nil {
					t.Errorf("%s: cut at %d of %d: no error", tt.name, n, len(tt.in))
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: without a Data Object: %v", tt.name, err)
			} else if !bytes.Equal(h.Raw, tt.in) { // the cases have size 50, 0 packets and one File ID, as what is made up
				t.Errorf("%s: without a Data Object: Raw = %x, want %x", tt.name, h.Raw, tt.in)
			}
		}
	}
}

// sizedHeader is a header of so many bytes in all.
func sizedHeader(n int) []byte {
	h := makeHeader(makeProperties(1400), makeStream(1, audioMedia, wma), makeObject(GUID{}))
	return makeHeader(makeProperties(1400), makeStream(1, audioMedia, wma), makeObject(GUID{}, fill(0, n-len(h))))
}

func TestParseHeaderLargest(t *testing.T) {
	if h, err := ParseHeader(sizedHeader(MaxHeader)); err != nil || len(h.Raw) != MaxHeader {
		t.Error(err)
	}
}

func TestParseHeaderBad(t *testing.T) {
	properties, audio := makeProperties(1400), makeStream(1, audioMedia, wma)
	good := makeHeader(properties, audio)
	object, tail := makeHeaderObject(properties, audio), makeDataHead(dataHead, 0)
	empty := makeObject(dataObject)
	tests := []struct {
		name string
		in   []byte
		want string // in the error
	}{
		{"nothing", nil, "0 bytes left"},
		{"a byte too large", sizedHeader(MaxHeader + 1), "65532 bytes with the start of the data, limit 65531"},
		{"too large without the start of the data", sizedHeader(MaxHeader + 1)[:MaxHeader+1-dataHead], "65532 bytes"},
		{"much too large", sizedHeader(1 << 20), "1048576 bytes"},
		{"a GUID alone", good[:16], "16 bytes left"},
		{"not a header", edit(good, 0, dataObject[:]), "begins with object"},
		{"header without room for its count", join(makeObject(headerObject, fill(0, 5)), tail), "29 bytes, need 30"},
		{"header larger than what came", edit(good, 16, u64(uint64(len(good)+1))), "size"},
		{"header size that wraps with the 50 bytes", edit(good, 16, u64(math.MaxUint64-49)), "size"},
		{"header size negative", edit(good, 16, u64(math.MaxUint64)), "size"},
		{"one byte behind", join(object, tail, []byte{0}), "51 bytes behind"},
		{"a packet behind", join(object, tail, fill(0x82, 1400)), "1450 bytes behind"},
		{"half a data object behind", join(object, tail[:25]), "25 bytes behind"},
		{"not a data object behind", join(object, edit(tail, 0, headerObject[:])), "behind it, want"},
		{"no children", makeHeader(), "no file properties"},
		{"no file properties", makeHeader(audio), "no file properties"},
		{"no streams", makeHeader(properties), "no streams"},
		{"file properties twice", makeHeader(properties, audio, properties), "twice, at 30"},
		{"second file properties in the extension", makeHeader(properties, audio, makeExtension(properties)), "twice, at 30"},
		{"file properties too short", makeHeader(makeObject(fileProperties, fill(0, 79)), audio), "103 bytes, need 104"},
		{"packet sizes differ", makeHeader(edit(properties, 92, u32(1399)), audio), "min 1399, max 1400"},
		{"packet size 0", makeHeader(makeProperties(0), audio), "packet size: 0"},
		{"packet size 31", makeHeader(makeProperties(31), audio), "packet size: 31"},
		{"packet size 65525", makeHeader(makeProperties(65525), audio), "packet size: 65525"},
		{"packet size negative", makeHeader(makeProperties(math.MaxUint32), audio), "packet size: 4294967295"},
		{"zeros behind the last child", makeHeader(properties, audio, fill(0, 24)), "size 0"},
		{"a few zeros behind the last child", makeHeader(properties, audio, fill(0, 5)), "5 bytes left"},
		{"child of size 0", makeHeader(properties, edit(empty, 16, u64(0)), audio), "size 0"},
		{"child of size 23", makeHeader(properties, edit(empty, 16, u64(23)), audio), "size 23"},
		{"last child reaches into the data object", makeHeader(properties, audio, edit(empty, 16, u64(74))), "size 74"},
		{"child size that wraps", makeHeader(properties, audio, edit(empty, 16, u64(math.MaxUint64-1))),
			"size 18446744073709551614"},
		{"child with a size right in its low half", makeHeader(properties, audio, edit(empty, 16, u64(24|1<<63))),
			"size 92233"},
		{"1001 objects", makeHeader(properties, audio, manyObjects(999)), "more than 1000"},
		{"1001 objects, most in the extension", makeHeader(properties, audio, makeExtension(manyObjects(998))),
			"more than 1000"},
		{"1001 objects, the last embedded", makeHeader(properties, makeExtension(manyObjects(997),
			makeExtendedStream(1, 0, audio))), "more than 1000"},
		{"stream 0", makeHeader(properties, makeStream(0, audioMedia, wma)), "number 0"},
		{"stream 128 is 0", makeHeader(properties, makeStream(128, audioMedia, wma)), "number 0"},
		{"stream twice", makeHeader(properties, audio, audio), "number 1: twice"},
		{"stream again in the extension", makeHeader(properties, audio, makeExtension(audio)), "number 1: twice"},
		{"stream again, embedded", makeHeader(properties, audio, makeExtension(makeExtendedStream(1, 0, audio))),
			"number 1: twice"},
		{"stream too short", makeHeader(properties, makeObject(streamProperties, fill(0, 53))), "77 bytes, need 78"},
		{"format past the end", makeHeader(properties, edit(audio, 64, u32(uint32(len(wma)+1)))), "type-specific data"},
		{"format and correction wrap", makeHeader(properties, edit(audio, 64, join(u32(math.MaxUint32), u32(1)))),
			"type-specific data"},
		{"extension too short", makeHeader(properties, audio, makeObject(headerExtension, fill(0, 21))), "45 bytes, need 46"},
		{"extension says less than it holds", makeHeader(properties, audio, edit(makeExtension(empty), 42, u32(23))),
			"data size: 23"},
		{"extension says more than it holds", makeHeader(properties, audio, edit(makeExtension(empty), 42, u32(25))),
			"data size: 25"},
		{"extension with zeros at its end", makeHeader(properties, audio, makeExtension(empty, fill(0, 8))), "8 bytes left"},
		{"extension child past its end", makeHeader(properties, makeExtension(edit(empty, 16, u64(25))), audio), "size 25"},
		{"extension inside an extension", makeHeader(properties, audio, makeExtension(makeExtension())), "inside another"},
		{"extended stream too short", makeHeader(properties, audio, makeExtension(makeObject(extendedStream, fill(0, 63)))),
			"87 bytes, need 88"},
		{"more names than there are", makeHeader(properties, audio, makeExtension(
			edit(makeExtendedStream(1, 0, nil), 84, u16(3)))), "stream name 1"},
		{"name past the end", makeHeader(properties, audio, makeExtension(
			edit(makeExtendedStream(1, 0, nil), 90, u16(0xFFFF)))), "stream name 0"},
		{"more payload extensions than there are", makeHeader(properties, audio, makeExtension(
			edit(makeExtendedStream(1, 0, nil), 86, u16(2)))), "payload extension 1"},
		{"payload extension that wraps", makeHeader(properties, audio, makeExtension(
			edit(makeExtendedStream(1, 0, nil), 96+18, u32(math.MaxUint32)))), "payload extension 0"},
		{"embedded object is no stream", makeHeader(properties, audio, makeExtension(makeExtendedStream(2, 0, empty))),
			"holds object"},
		{"embedded size past the end", makeHeader(properties, makeExtension(
			makeExtendedStream(2, 0, edit(audio, 16, u64(uint64(len(audio)+1)))))), "size"},
		{"bytes behind the embedded stream", makeHeader(properties, makeExtension(
			makeExtendedStream(2, 0, join(audio, fill(0, 3))))), "3 bytes left"},
		{"bitrates without a count", makeHeader(properties, audio, makeObject(streamBitrates, fill(0, 1))),
			"25 bytes, need 26"},
		{"more bitrates than there are", makeHeader(properties, audio, edit(makeBitrates(1, 64_000), 24, u16(2))),
			"2 records, room for 1"},
	}
	for _, tt := range tests {
		h, err := ParseHeader(tt.in)
		if err == nil {
			t.Errorf("%s: accepted as %+v", tt.name, h)
		} else if !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "header: ") {
			t.Errorf("%s: error %q, want %q in it", tt.name, err, tt.want)
		}
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[Kind]string{Audio: "audio", Video: "video", Command: "command", Other: "other",
		0: "kind 0"} {
		if got := kind.String(); got != want {
			t.Errorf("Kind(%d).String() = %q, want %q", uint8(kind), got, want)
		}
	}
}
