package push

import "encoding/binary"

// fieldSize is the width in bytes of a field by its 2-bit type: none, BYTE, WORD, DWORD.
var fieldSize = [4]int{0, 1, 2, 4}

// appendStripped appends a packet without its padding and without the field that counts it (type none), as encoders
// send packets: push.md §4, asf.md §5. packet must have passed ParsePacket.
//
//	[EC flags, EC data] | length types | properties | Packet Length? | Sequence? | Padding Length? | send time …
func appendStripped(dst, packet []byte) []byte {
	e := 0
	if packet[0]&0x80 != 0 {
		e = 1 + int(packet[0]&0x0F)
	}
	types := packet[e]
	total, sequence, field := fieldSize[types>>5&3], fieldSize[types>>1&3], fieldSize[types>>3&3]
	if field == 0 {
		return append(dst, packet...)
	}
	at := e + 2 + total + sequence
	padding := little32(packet[at : at+field])
	end := len(packet)
	if total > 0 {
		end = min(end, little32(packet[e+2:e+2+total]))
	}
	end -= padding
	start := len(dst)
	dst = append(dst, packet[:at]...)
	dst = append(dst, packet[at+field:end]...)
	dst[start+e] &^= 0x18
	if total > 0 {
		putLittle(dst[start+e+2:start+e+2+total], len(dst)-start)
	}
	return dst
}

// little32 reads a field of 1, 2 or 4 bytes.
func little32(b []byte) int {
	switch len(b) {
	case 1:
		return int(b[0])
	case 2:
		return int(binary.LittleEndian.Uint16(b))
	}
	return int(binary.LittleEndian.Uint32(b))
}

func putLittle(b []byte, v int) {
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
}
