package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// A small synthetic ASF stream, built from the format's description and from nothing of this module, so that the tests
// do not repeat a mistake of the code they test. Its media data are random bytes: no player is meant to like it.

const (
	samplePacket = 400 // bytes, the packet size P
	sampleVideo  = 1   // stream numbers
	sampleAudio  = 2
)

// Object and type GUIDs as they are on the wire.
const (
	guidHeader     = "3026B2758E66CF11A6D900AA0062CE6C"
	guidData       = "3626B2758E66CF11A6D900AA0062CE6C"
	guidFile       = "A1DCAB8C47A9CF118EE400C00C205365"
	guidExtension  = "B503BF5F2EA9CF118EE300C00C205365"
	guidReserved   = "11D2D3ABBAA9CF118EE600C00C205365"
	guidStream     = "9107DCB7B7A9CF118EE600C00C205365"
	guidVideo      = "C0EF19BC4D5BCF11A8FD00805F5C442B"
	guidAudio      = "409E69F84D5BCF11A8FD00805F5C442B"
	guidCorrection = "0057FB20555BCF11A8FD00805F5C442B" // none
	guidSampleID   = "000102030405060708090A0B0C0D0E0F"
)

// cat joins what a description lists: GUIDs in hex, bytes, and little-endian integers.
func cat(parts ...any) []byte {
	var b bytes.Buffer
	for _, part := range parts {
		if s, ok := part.(string); ok {
			g, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
			if err != nil {
				panic(err)
			}
			part = g
		}
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// object is GUID, size, content.
func object(guid string, content ...any) []byte {
	body := cat(content...)
	return cat(guid, uint64(24+len(body)), body)
}

// sampleHeader is what an encoder's $H holds: the Header Object and the first 50 bytes of the Data Object.
func sampleHeader() []byte {
	video := cat(uint32(320), uint32(240), uint8(2), uint16(40), // BITMAPINFOHEADER follows
		uint32(40), uint32(320), uint32(240), uint16(1), uint16(24), []byte("WMV2"), make([]byte, 20))
	audio := cat(uint16(0x161), uint16(1), uint32(44100), uint32(8000), uint16(371), uint16(16), uint16(0))
	children := cat(
		object(guidFile, guidSampleID, uint64(0), uint64(0), uint64(0xFFFFFFFF), uint64(0), uint64(0), uint64(3000),
			uint32(1), uint32(samplePacket), uint32(samplePacket), uint32(300000)),
		object(guidExtension, guidReserved, uint16(6), uint32(0)),
		object(guidStream, guidVideo, guidCorrection, uint64(0), uint32(len(video)), uint32(0), uint16(sampleVideo),
			uint32(0), video),
		object(guidStream, guidAudio, guidCorrection, uint64(0), uint32(len(audio)), uint32(0), uint16(sampleAudio),
			uint32(0), audio),
	)
	return cat(object(guidHeader, uint32(4), uint8(1), uint8(2), children), guidData, uint64(50), guidSampleID, uint64(0),
		uint16(0x0101))
}

// A layout is one way to write a packet, with the room it leaves to media data fixed by P.
type layout struct {
	name    string
	packet  func(send uint32, object uint8) []byte
	restore bool // its padding can be put back byte for byte after removal
}

// layouts are those that encoders use, in the order in which the sample repeats them; the first starts a key frame.
var layouts = []layout{
	{"key frame, one payload, full", func(send uint32, object uint8) []byte {
		return fill(cat("820000 00 5D", send, uint16(40), payloadHead(sampleVideo, true, object, 374, send)), 0)
	}, true},
	{"one payload, BYTE padding", func(send uint32, object uint8) []byte {
		return fill(cat("820000 08 5D", uint8(77), send, uint16(40), payloadHead(sampleVideo, false, object, 296, send)), 77)
	}, false},
	{"one payload, WORD padding", func(send uint32, object uint8) []byte {
		return fill(cat("820000 10 5D", uint16(300), send, uint16(40), payloadHead(sampleVideo, false, object, 72, send)),
			300)
	}, false},
	{"two payloads, WORD padding", func(send uint32, object uint8) []byte {
		return fill(cat("820000 11 5D", uint16(201), send, uint16(40), uint8(0x80|2),
			payloadHead(sampleAudio, false, object, 50, send), uint16(50), media(object, 50),
			payloadHead(sampleVideo, false, object, 101, send), uint16(101), media(object, 101)), 201)
	}, true},
	{"two payloads, no padding field", func(send uint32, object uint8) []byte {
		return fill(cat("820000 01 5D", send, uint16(40), uint8(0x80|2),
			payloadHead(sampleVideo, false, object, 100, send), uint16(100), media(object, 100),
			payloadHead(sampleAudio, false, object, 254, send), uint16(254)), 0)
	}, true},
	{"one payload, no error correction, one byte of padding", func(send uint32, object uint8) []byte {
		return fill(cat("08 5D", uint8(1), send, uint16(40), payloadHead(sampleVideo, false, object, 375, send)), 1)
	}, false},
}

// payloadHead is a payload up to its replicated data; a payload length may follow.
func payloadHead(stream uint8, key bool, object uint8, size, at uint32) []byte {
	if key {
		stream |= 0x80
	}
	return cat(stream, object, uint32(0), uint8(8), size, at+3000)
}

// media are n bytes that tell objects apart.
func media(object uint8, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*31 ^ object
	}
	return b
}

// fill brings a packet to P bytes: media data, then padding.
func fill(head []byte, padding int) []byte {
	b := append(head, media(head[len(head)-1]^byte(padding), samplePacket-len(head)-padding)...)
	return append(b, make([]byte, padding)...)
}

// samplePackets are n packets, step ms of send time apart.
func samplePackets(n int, step uint32) [][]byte {
	var all [][]byte
	for i := range n {
		all = append(all, layouts[i%len(layouts)].packet(uint32(i)*step, uint8(i)))
	}
	return all
}
