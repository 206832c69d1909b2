package asf

import (
	"strings"
	"testing"
)

// loopPacket is a packet of 80 bytes with a send time and whole payloads.
func loopPacket(t *testing.T, send uint32, payloads ...[]byte) []byte {
	t.Helper()
	b := join(unhex(t, "82 00 00 | 09 5D | 00"), u32(send), u16(40), []byte{0x80 | byte(len(payloads))}, join(payloads...))
	b[5] = byte(80 - len(b))
	return join(b, fill(0, 80-len(b)))
}

// loopObject is the first or only piece of an object, loopRest a further piece of one, loopRun three compressed
// objects.
func loopObject(stream byte, at uint32) []byte {
	return join([]byte{stream, 1}, u32(0), []byte{8}, u32(2), u32(at), u16(2), []byte{0xAA, 0xBB})
}

func loopRest(stream byte, at uint32) []byte {
	return join([]byte{stream, 1}, u32(1), []byte{8}, u32(2), u32(at), u16(1), []byte{0xBB})
}

func loopRun(stream byte, at uint32, delta byte) []byte {
	return join([]byte{stream, 1}, u32(at), []byte{1, delta}, u16(6), []byte{1, 0xAA, 1, 0xBB, 1, 0xCC})
}

// lengthOf is how long packets play; what is none does not count.
func lengthOf(h *Header, packets [][]byte) uint32 {
	var lap Lap
	for _, b := range packets {
		if p, err := h.ParsePacket(b); err == nil {
			lap.Add(h, b, p)
		}
	}
	return lap.Length()
}

func TestLapLength(t *testing.T) {
	const audio, video, other = 1, 2, 3
	for _, tt := range []struct {
		name    string
		packets [][]byte
		want    uint32
	}{
		{"none", nil, 0},
		{"equally long", [][]byte{
			loopPacket(t, 0, loopObject(audio, 3000), loopObject(video, 3000)),
			loopPacket(t, 40, loopObject(audio, 3040), loopObject(video, 3040)),
		}, 80},
		{"video begins later than audio and ends later", [][]byte{
			loopPacket(t, 0, loopObject(audio, 3000), loopObject(video, 3043)),
			loopPacket(t, 40, loopObject(audio, 3040), loopObject(video, 3083)),
		}, 80},
		{"video is longer", [][]byte{
			loopPacket(t, 0, loopObject(audio, 3000), loopObject(video, 3000)),
			loopPacket(t, 40, loopObject(audio, 3040), loopObject(video, 3100)),
		}, 200},
		{"steps that are no whole milliseconds", [][]byte{
			loopPacket(t, 0, loopObject(audio, 3000), loopObject(audio, 3042)),
			loopPacket(t, 85, loopObject(audio, 3085)),
		}, 128},
		{"later pieces of an object have its time", [][]byte{
			loopPacket(t, 0, loopObject(video, 3000)),
			loopPacket(t, 40, loopRest(video, 3000), loopObject(video, 3040)),
			loopPacket(t, 80, loopRest(video, 3040)),
		}, 80},
		{"frames that are shown before those they follow", [][]byte{
			loopPacket(t, 0, loopObject(video, 3080), loopObject(video, 3000)),
			loopPacket(t, 40, loopObject(video, 3040)),
		}, 120},
		{"compressed payloads", [][]byte{
			loopPacket(t, 0, loopRun(audio, 3000, 20)),
			loopPacket(t, 60, loopRun(audio, 3060, 20)),
		}, 120},
		{"a single object", [][]byte{loopPacket(t, 0, loopObject(audio, 3000))}, 0},
		{"sent longer than it plays", [][]byte{
			loopPacket(t, 0, loopObject(audio, 3000)),
			loopPacket(t, 200, loopObject(audio, 3040)),
		}, 200},
		{"the clock runs over", [][]byte{
			loopPacket(t, 0xFFFFFFF0, loopObject(video, 0xFFFFFFF0)),
			loopPacket(t, 24, loopObject(video, 24)),
		}, 80},
		{"streams that the header does not declare", [][]byte{
			loopPacket(t, 0, loopObject(other, 0), loopObject(video, 3000)),
			loopPacket(t, 40, loopObject(other, 9000), loopObject(video, 3040)),
		}, 80},
		{"a packet that does not parse", [][]byte{
			loopPacket(t, 0, loopObject(video, 3000)),
			[]byte(strings.Repeat("\xFF", 80)),
			loopPacket(t, 40, loopObject(video, 3040)),
		}, 80},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := testHeader(t, 80, true)
			if got := lengthOf(h, tt.packets); got != tt.want {
				t.Errorf("got %d ms, want %d", got, tt.want)
			}
		})
	}
}
