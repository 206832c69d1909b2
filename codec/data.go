package codec

import (
	"encoding/binary"
	"fmt"
)

const (
	// PrefixLen is the length of all that stands before the payload of a $H, $D or $M: frame header and data header.
	PrefixLen = frameHeader + dataHeader

	// MaxPayload is the longest payload for which the frame works everywhere. The fields would allow 65527, but VLC
	// refuses the topmost values.
	MaxPayload = 65524

	dataHeader = 8
)

// Values of AFFlags in $H and $M, which may come in pieces. [MS-WMSP] 2.2.3.1.2
const (
	flagFirst = 0x04
	flagLast  = 0x08
)

// Data is the body of a $H, $D or $M in MMSH; a push has none of it. [MS-WMSP] 2.2.3.1.2 calls it the MMS data packet.
//
//	 0             4             5         6         8
//	+-------------+-------------+---------+---------+-----------
//	| LocationId  | Incarnation | AFFlags | size    | payload
//	+-------------+-------------+---------+---------+-----------
//
// size counts itself and all around it, so it is 8 plus the payload, the same as the frame's length.
type Data struct {
	// Location is the packet's number in the file in a $D, the fragment's number in a $H or $M. Nobody checks it.
	Location    uint32
	Incarnation uint8
	// AFFlags counts the $D of a connection mod 256; in a $H or $M 0x04 marks the first fragment and 0x08 the last.
	AFFlags uint8
	Payload []byte // aliases the input
}

// ParseData takes the body of a frame apart. Like VLC it believes size if that is less than the body; a size that
// reaches beyond the body, or is less than its own 8 bytes, is an error.
func ParseData(body []byte) (Data, error) {
	if len(body) < dataHeader {
		return Data{}, fmt.Errorf("data: body of %d bytes, the header has %d", len(body), dataHeader)
	}
	size := int(binary.LittleEndian.Uint16(body[6:]))
	if size < dataHeader || size > len(body) {
		return Data{}, fmt.Errorf("data: size %d, allowed are %d to %d", size, dataHeader, len(body))
	}
	return Data{
		Location:    binary.LittleEndian.Uint32(body),
		Incarnation: body[4],
		AFFlags:     body[5],
		Payload:     body[dataHeader:size:size],
	}, nil
}

// PutDataPrefix writes the PrefixLen bytes that stand before a payload of payloadLen bytes to the beginning of dst.
// Incarnation is 0. A dst that is too short, or a payload beyond MaxPayload, is a bug of ours.
func PutDataPrefix(dst []byte, typ byte, location uint32, flags uint8, payloadLen int) {
	if payloadLen < 0 || payloadLen > MaxPayload {
		panic(fmt.Sprintf("data: payload of %d bytes, limit %d", payloadLen, MaxPayload))
	}
	dst = dst[:PrefixLen]
	size := uint16(dataHeader + payloadLen)
	dst[0], dst[1] = dollar, typ
	binary.LittleEndian.PutUint16(dst[2:], size)
	binary.LittleEndian.PutUint32(dst[4:], location)
	dst[8], dst[9] = 0, flags
	binary.LittleEndian.PutUint16(dst[10:], size)
}

// AppendHeader appends an ASF header, with its 50 bytes of Data Object, as one $H; as several only if it is longer
// than MaxPayload, because FFmpeg cannot put fragments together.
func AppendHeader(dst, header []byte) []byte {
	flags := uint8(flagFirst)
	for location := uint32(0); flags&flagLast == 0; location++ {
		n := min(len(header), MaxPayload)
		if n == len(header) {
			flags |= flagLast
		}
		var prefix [PrefixLen]byte
		PutDataPrefix(prefix[:], 'H', location, flags, n)
		dst = append(append(dst, prefix[:]...), header[:n]...)
		header, flags = header[n:], flags&flagLast
	}
	return dst
}
