package source

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// GUIDs as they stand on the wire, asf.md §2.
var (
	guidHeader     = wireGUID("30 26 B2 75 8E 66 CF 11 A6 D9 00 AA 00 62 CE 6C")
	guidData       = wireGUID("36 26 B2 75 8E 66 CF 11 A6 D9 00 AA 00 62 CE 6C")
	guidFile       = wireGUID("A1 DC AB 8C 47 A9 CF 11 8E E4 00 C0 0C 20 53 65")
	guidStream     = wireGUID("91 07 DC B7 B7 A9 CF 11 8E E6 00 C0 0C 20 53 65")
	guidExtension  = wireGUID("B5 03 BF 5F 2E A9 CF 11 8E E3 00 C0 0C 20 53 65")
	guidReserved   = wireGUID("11 D2 D3 AB BA A9 CF 11 8E E6 00 C0 0C 20 53 65")
	guidBitrates   = wireGUID("CE 75 F8 7B 8D 46 D1 11 8D 82 00 60 97 C9 A2 B2")
	guidPadding    = wireGUID("74 D4 06 18 DF CA 09 45 A4 BA 9A AB CB 96 AA E8")
	guidVideo      = wireGUID("C0 EF 19 BC 4D 5B CF 11 A8 FD 00 80 5F 5C 44 2B")
	guidNoRecovery = wireGUID("00 57 FB 20 55 5B CF 11 A8 FD 00 80 5F 5C 44 2B")
	fileID         = wireGUID("70 75 6D 70 64 20 62 65 6E 63 68 20 66 69 6C 65")
)

func wireGUID(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil || len(b) != 16 {
		panic("GUID " + s)
	}
	return b
}

// little appends values little-endian; each must be of fixed size.
func little(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// object is one ASF object: GUID, size with this head, content.
func object(guid []byte, content ...any) []byte {
	body := little(content...)
	return little(guid, uint64(24+len(body)), body)
}

// syntheticHeader is the header of the synthetic source as a live encoder sends it: one video stream, broadcast, no
// lengths, and the 50 bytes that start the Data Object. asf.md §3.
func syntheticHeader(opt Options) []byte {
	rate, size := uint32(opt.Bitrate), uint32(opt.Packet)
	children := [][]byte{
		object(guidFile, fileID,
			uint64(0), uint64(0), // file size, creation time
			uint64(0xFFFFFFFF), uint64(0), uint64(0), // packets, play and send duration
			uint64(preroll), uint32(9), size, size, rate),
		object(guidExtension, guidReserved, uint16(6), uint32(0)),
		object(guidStream, guidVideo, guidNoRecovery,
			uint64(0), uint32(len(videoFormat())), uint32(0), uint16(1), uint32(0), videoFormat()),
		object(guidBitrates, uint16(1), uint16(1), rate),
	}
	if opt.Ballast > 0 {
		children = append(children, object(guidPadding, make([]byte, opt.Ballast)))
	}
	head := object(guidHeader, uint32(len(children)), []byte{1, 2}, bytes.Join(children, nil))
	return append(head, little(guidData, uint64(50), fileID, uint64(0), []byte{1, 1})...)
}

// videoFormat describes 320 × 240 WMV2 without extra data.
func videoFormat() []byte {
	const width, height = 320, 240
	bitmap := little(uint32(40), uint32(width), uint32(height), uint16(1), uint16(24), []byte("WMV2"),
		uint32(width*height*3), make([]byte, 16))
	return little(uint32(width), uint32(height), []byte{2}, uint16(len(bitmap)), bitmap)
}
