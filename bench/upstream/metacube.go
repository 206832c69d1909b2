package upstream

import "encoding/binary"

// Flags of a Metacube2 block.
const (
	metacubeHeader  = 1 // the stream header
	metacubeNoStart = 2 // a viewer must not start here
)

// appendMetacube appends one block of Metacube2, the framing Cubemap reads. Big-endian.
//
//	 0                 8               12      14         16
//	+-----------------+---------------+-------+----------+------------
//	| "cube!map"      | size          | flags | checksum | size bytes
//	+-----------------+---------------+-------+----------+------------
func appendMetacube(dst []byte, flags uint16, body []byte) []byte {
	at := len(dst) + 8
	dst = append(dst, "cube!map"...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.BigEndian.AppendUint16(dst, flags)
	dst = binary.BigEndian.AppendUint16(dst, metacubeSum(dst[at:at+6]))
	return append(dst, body...)
}

// metacubeSum is the CRC of size and flags: polynomial 0x8FDB, start 0x1234, 16 zero bits after the data.
func metacubeSum(b []byte) uint16 {
	crc := uint16(0x1234)
	shift := func(in uint16) {
		top := crc & 0x8000
		crc = crc<<1 | in
		if top != 0 {
			crc ^= 0x8FDB
		}
	}
	for _, c := range b {
		for bit := 7; bit >= 0; bit-- {
			shift(uint16(c>>bit) & 1)
		}
	}
	for range 16 {
		shift(0)
	}
	return crc
}
