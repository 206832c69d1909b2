package asf

import "fmt"

// A GUID names an object or a type of stream. Its bytes are those on the wire: three little-endian integers of 4, 2 and
// 2 bytes, then 8 bytes in order.
type GUID [16]byte

// newGUID takes the four numbers in the order of the canonical spelling, the last two groups as one.
func newGUID(a uint32, b, c uint16, d uint64) (g GUID) {
	le.PutUint32(g[0:], a)
	le.PutUint16(g[4:], b)
	le.PutUint16(g[6:], c)
	for i := range 8 {
		g[8+i] = byte(d >> (56 - 8*i))
	}
	return g
}

// String spells g canonically: 75B22630-668E-11CF-A6D9-00AA0062CE6C.
func (g GUID) String() string {
	return fmt.Sprintf("%08X-%04X-%04X-%X-%X", le.Uint32(g[0:]), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:10], g[10:])
}

// Top-level objects, section 10.1.
var (
	headerObject = newGUID(0x75B22630, 0x668E, 0x11CF, 0xA6D900AA0062CE6C)
	dataObject   = newGUID(0x75B22636, 0x668E, 0x11CF, 0xA6D900AA0062CE6C)
	simpleIndex  = newGUID(0x33000890, 0xE5B1, 0x11CF, 0x89F400A0C90349CB)
	indexObject  = newGUID(0xD6E229D3, 0x35DA, 0x11D1, 0x903400A0C90349BE)
	mediaIndex   = newGUID(0xFEB103F8, 0x12AD, 0x4C64, 0x840F2A1D2F7AD48C)
	timecodes    = newGUID(0x3CB73FD0, 0x0C4A, 0x4803, 0x953DEDF7B6228F0C)
)

// Objects inside the header that a reflector reads, sections 10.2 and 10.3.
var (
	fileProperties   = newGUID(0x8CABDCA1, 0xA947, 0x11CF, 0x8EE400C00C205365)
	streamProperties = newGUID(0xB7DC0791, 0xA9B7, 0x11CF, 0x8EE600C00C205365)
	headerExtension  = newGUID(0x5FBF03B5, 0xA92E, 0x11CF, 0x8EE300C00C205365)
	extendedStream   = newGUID(0x14E6A5CB, 0xC672, 0x4332, 0x8399A96952065B5A)
	streamBitrates   = newGUID(0x7BF875CE, 0x468D, 0x11D1, 0x8D82006097C9A2B2)
)

// Types of stream, section 10.4.
var (
	audioMedia   = newGUID(0xF8699E40, 0x5B4D, 0x11CF, 0xA8FD00805F5C442B)
	videoMedia   = newGUID(0xBC19EFC0, 0x5B4D, 0x11CF, 0xA8FD00805F5C442B)
	commandMedia = newGUID(0x59DACFC0, 0x59E6, 0x11D0, 0xA3AC00A0C90348F6)
)
