package asf

// packetCase is a data packet, what ParsePacket finds in it, its two forms, and what AppendTrimmed leaves of it.
type packetCase struct {
	name  string
	size  int    // packet size P
	audio bool   // the header has no video
	in    string // see unhex
	want  Packet // exported fields only
	least int    // cut to fewer bytes it is no packet; from there on it is, since a single payload may end anywhere
	odd   bool   // but not with just any number of bytes
	full  string // "" is as it came
	short string // "" is as it came

	trimmed string // "" is as full
}

// Stream 1 is audio, 2 video, there are no others. Most packets have a send time of 10 s and last 40 ms.
var packetCases = []packetCase{
	{
		name: "single, stripped", size: 40,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
		full: "82 00 00 | 08 5D | 08 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*8",
		short: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, stripped, with a packet length", size: 40,
		in: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 28,
		full: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*7",
	},
	{
		name: "single, padded", size: 40,
		in: "82 00 00 | 08 5D | 08 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 8, Payloads: 1, Join: true},
		least: 35, // 27 of fields, and 8 bytes of padding are still said to be there
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, not padded", size: 32,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE FF",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
	},
	{
		name: "single, 1 byte of padding stripped", size: 32,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
		full:  "82 00 00 | 08 5D | 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		short: "82 00 00 | 08 5D | 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
	},
	{
		name: "single, 2 bytes of padding stripped: a packet length gains nothing", size: 33,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
		full: "82 00 00 | 08 5D | 01 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00",
		short: "82 00 00 | 08 5D | 01 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00",
	},
	{
		name: "single, 3 bytes of padding stripped: a packet length gains 1", size: 34,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
		full: "82 00 00 | 08 5D | 02 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00 00",
		short: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, padded by 2: a packet length gains nothing", size: 33,
		in: "82 00 00 | 08 5D | 01 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 1, Payloads: 1, Join: true},
		least: 28,
	},
	{
		name: "single, padding field of 0 but cut", size: 40,
		in:    "82 00 00 | 08 5D | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1},
		least: 27,
		full: "82 00 00 | 08 5D | 08 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*8",
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, some padding there but cut", size: 40,
		in: "82 00 00 | 10 5D | 03 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC | " +
			"00 00 00",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 3, Payloads: 1},
		least: 31,
		full: "82 00 00 | 10 5D | 09 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC | 00*9",
		short: "82 00 00 | 50 5D | 21 00 | 00 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC",
	},
	{
		name: "single, padding in a DWORD", size: 44,
		in: "82 00 00 | 18 5D | 02 00 00 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00 00",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 2, Payloads: 1, Join: true},
		least: 32,
		full: "82 00 00 | 18 5D | 09 00 00 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*9",
		short: "82 00 00 | 58 5D | 25 00 | 00 00 00 00 | 10 27 00 00 | 28 00 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
	},
	{
		name: "single, 256 bytes stripped still fit a BYTE", size: 287,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
		full: "82 00 00 | 08 5D | FF | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*255",
		short: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, 257 bytes stripped need a WORD", size: 288,
		in:    "82 00 00 | 00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 26,
		full: "82 00 00 | 10 5D | FF 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*255",
		short: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, BYTE of 0 that must widen", size: 400,
		in:    "82 00 00 | 08 5D | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1},
		least: 27,
		full: "82 00 00 | 10 5D | 6F 01 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*367",
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, full BYTE of padding and 1 more byte missing", size: 288,
		in: "82 00 00 | 08 5D | FF | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*255",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 255, Payloads: 1},
		least: 282,
		full: "82 00 00 | 10 5D | FF 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*255",
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, packet length less than the packet", size: 40,
		in: "82 00 00 | 48 5D | 25 00 | 03 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | FF*6",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 6, Payloads: 1},
		least: 32,
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, packet length in a BYTE of the whole packet", size: 40,
		in: "82 00 00 | 28 5D | 28 | 07 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*7",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 7, Payloads: 1},
		least: 33,
		short: "82 00 00 | 28 5D | 21 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, cut and padding zeroed, packet length forgotten", size: 40,
		in: "82 00 00 | 48 5D | 28 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1},
		least: 29,
		full: "82 00 00 | 48 5D | 28 00 | 06 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*6",
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, cut, padding length and packet length forgotten", size: 40,
		in: "82 00 00 | 48 5D | 28 00 | 06 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1},
		least: 34,
		full: "82 00 00 | 48 5D | 28 00 | 06 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*6",
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, cut and padding field removed, packet length forgotten", size: 40,
		in: "82 00 00 | 40 5D | 28 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1},
		least: 28,
		full: "82 00 00 | 48 5D | 28 00 | 06 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*6",
		short: "82 00 00 | 40 5D | 21 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, cut, packet length forgotten, too much for the padding's BYTE", size: 400,
		in: "82 00 00 | 48 5D | 90 01 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1},
		least: 29,
		full: "82 00 00 | 50 5D | 90 01 | 6D 01 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*365",
		short: "82 00 00 | 48 5D | 22 00 | 00 | 10 27 00 00 | 28 00 | 02 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, without error correction", size: 40,
		in:    "00 5D | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 23,
		full:  "08 5D | 0B | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE | 00*11",
		short: "40 5D | 1E 00 | 10 27 00 00 | 28 00 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 | AA BB CC DD EE",
	},
	{
		name: "single, long error correction, all types other than usual", size: 50,
		in: "95 00 00 00 00 00 | 0E 6A | 78 56 34 12 | 06 | 10 27 00 00 | 28 00 | " +
			"82 01 00 00 00 08 00 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*6",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 6, Payloads: 1, Join: true},
		least: 40,
		full: "95 00 00 00 00 00 | 0E 6A | 78 56 34 12 | 0B | 10 27 00 00 | 28 00 | " +
			"82 01 00 00 00 08 00 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE | 00*11",
		short: "95 00 00 00 00 00 | 4E 6A | 29 00 | 78 56 34 12 | 00 | 10 27 00 00 | 28 00 | " +
			"82 01 00 00 00 08 00 05 00 00 00 40 33 00 00 | " +
			"AA BB CC DD EE",
	},
	{
		name: "single, smallest of all", size: 32,
		in:    "00 40 | 10 27 00 00 | 28 00 | 82 | AA BB",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Join: true},
		least: 11,
		full:  "08 40 | 14 | 10 27 00 00 | 28 00 | 82 | AA BB | 00*20",
		short: "40 40 | 0D 00 | 10 27 00 00 | 28 00 | 82 | AA BB",
	},
	{
		name: "single, so small that its short form were no packet", size: 32,
		in:    "20 40 | 0A | 10 27 00 00 | 28 00 | 82 | 00*22",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 22, Payloads: 1, Join: true},
		least: 11,
	},
	{
		name: "single, compressed", size: 40,
		// The run of objects ends in six empty ones.
		in:    "82 00 00 | 08 5D | 03 | 10 27 00 00 | 28 00 | 82 01 40 33 00 00 01 28 | 02 AA BB 00 03 CC DD EE | 00*9",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 3, Payloads: 1, Join: true},
		least: 23, odd: true,
		full: "82 00 00 | 08 5D | 06 | 10 27 00 00 | 28 00 | 82 01 40 33 00 00 01 28 | 02 AA BB 00 03 CC DD EE | 00*12",
		short: "82 00 00 | 48 5D | 24 00 | 00 | 10 27 00 00 | 28 00 | 82 01 40 33 00 00 01 28 | " +
			"02 AA BB 00 03 CC DD EE | 00*6",
	},
	{
		name: "several, padded", size: 64,
		in: "82 00 00 | 09 5D | 09 | 10 27 00 00 | 28 00 | 82 | 01 07 00 00 00 00 08 03 00 00 00 38 33 00 00 03 00 | " +
			"AA BB CC | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 05 00 | DD EE FF 11 22 | 00*9",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 9, Payloads: 2, Multiple: true, Join: true},
		least: 55,
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 82 | 01 07 00 00 00 00 08 03 00 00 00 38 33 00 00 03 00 | " +
			"AA BB CC | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 05 00 | DD EE FF 11 22",
	},
	{
		name: "several, stripped and padding zeroed", size: 64,
		in: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 82 | 01 07 00 00 00 00 08 03 00 00 00 38 33 00 00 03 00 | " +
			"AA BB CC | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 05 00 | DD EE FF 11 22",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true, Join: true},
		least: 55,
		full: "82 00 00 | 09 5D | 09 | 10 27 00 00 | 28 00 | 82 | 01 07 00 00 00 00 08 03 00 00 00 38 33 00 00 03 00 | " +
			"AA BB CC | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 05 00 | DD EE FF 11 22 | 00*9",
	},
	{
		name: "several, stripped and without a padding field", size: 64,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 82 | 01 07 00 00 00 00 08 03 00 00 00 38 33 00 00 03 00 | AA BB CC | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 05 00 | DD EE FF 11 22",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true, Join: true},
		least: 54,
		full: "82 00 00 | 09 5D | 09 | 10 27 00 00 | 28 00 | 82 | 01 07 00 00 00 00 08 03 00 00 00 38 33 00 00 03 00 | " +
			"AA BB CC | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 05 00 | DD EE FF 11 22 | 00*9",
	},
	{
		name: "several, room behind the last that nobody declares", size: 40,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 81 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | " +
			"DD EE | 00*9",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 9, Payloads: 1, Multiple: true, Join: true},
		least: 31,
		short: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 81 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE",
	},
	{
		name: "several, less padding declared than there is", size: 40,
		in: "82 00 00 | 09 5D | 03 | 10 27 00 00 | 28 00 | 81 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | " +
			"DD EE | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 8, Payloads: 1, Multiple: true, Join: true},
		least: 32,
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 81 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE",
	},
	{
		name: "several, packet length without the padding, as GStreamer has it", size: 40,
		in: "51 5D | 1F 00 | 09 00 | 10 27 00 00 | 28 00 | 81 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | " +
			"DD EE | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 8, Payloads: 1, Multiple: true, Join: true},
		least: 32,
		short: "51 5D | 1F 00 | 00 00 | 10 27 00 00 | 28 00 | 81 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE",
	},
	{
		name: "several, more padding declared than there is", size: 40,
		in: "82 00 00 | 09 5D | 1E | 10 27 00 00 | 28 00 | 81 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Multiple: true, Join: true},
		least: 32,
		full: "82 00 00 | 09 5D | 08 | 10 27 00 00 | 28 00 | 81 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | " +
			"DD EE | 00*8",
	},
	{
		name: "several, packet length of the whole packet", size: 40,
		in: "82 00 00 | 49 5D | 28 00 | 06 | 10 27 00 00 | 28 00 | 81 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE | 00*6",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 6, Payloads: 1, Multiple: true, Join: true},
		least: 34,
		short: "82 00 00 | 49 5D | 28 00 | 00 | 10 27 00 00 | 28 00 | 81 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE",
	},
	{
		name: "several, packet length less than the packet, no padding field", size: 40,
		in: "82 00 00 | 41 5D | 21 00 | 10 27 00 00 | 28 00 | 81 | 82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | " +
			"DD EE | 00*7",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 7, Payloads: 1, Multiple: true, Join: true},
		least: 33,
		short: "82 00 00 | 41 5D | 21 00 | 10 27 00 00 | 28 00 | 81 | " +
			"82 01 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE",
	},
	{
		name: "several, lengths in a BYTE, one of them compressed", size: 50,
		in: "82 00 00 | 09 5D | 08 | 10 27 00 00 | 28 00 | 42 | 82 01 40 33 00 00 01 28 05 | 01 AA 02 BB CC | " +
			"81 02 40 33 00 00 01 28 04 | 01 AA 01 BB | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 8, Payloads: 2, Multiple: true, Join: true},
		least: 40,
		full: "82 00 00 | 09 5D | 0A | 10 27 00 00 | 28 00 | 42 | 82 01 40 33 00 00 01 28 05 | 01 AA 02 BB CC | " +
			"81 02 40 33 00 00 01 28 04 | 01 AA 01 BB | 00*10",
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 42 | 82 01 40 33 00 00 01 28 05 | 01 AA 02 BB CC | " +
			"81 02 40 33 00 00 01 28 04 | 01 AA 01 BB",
	},
	{
		name: "several, the key frame begins in the middle of three", size: 60,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 83 | 82 01 44 00 00 00 00 01 00 | AA | " +
			"82 02 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE | 01 09 00 00 00 00 00 03 00 | 11 22 33",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 3, Multiple: true, Join: true, Older: OlderTail},
		least: 53,
		full: "82 00 00 | 09 5D | 06 | 10 27 00 00 | 28 00 | 83 | 82 01 44 00 00 00 00 01 00 | AA | " +
			"82 02 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | DD EE | 01 09 00 00 00 00 00 03 00 | 11 22 33 | 00*6",
		trimmed: "82 00 00 | 09 5D | 10 | 10 27 00 00 | 28 00 | 82 | 82 02 00 00 00 00 08 05 00 00 00 40 33 00 00 02 00 | " +
			"DD EE | " +
			"01 09 00 00 00 00 00 03 00 | 11 22 33 | 00*16",
	},
	{
		name: "several, the end of a frame, sound and a whole frame before the key frame, sound and a frame behind", size: 90,
		in: "82 00 00 | 09 5D | 0D | 10 27 00 00 | 28 00 | 86 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"01 09 00 00 00 00 00 01 00 | B1 | 02 02 00 00 00 00 00 03 00 | A3 A4 A5 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 01 09 00 00 00 00 00 01 00 | B1 | 02 04 00 00 00 00 00 01 00 | " +
			"D1 | 00*13",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 13, Payloads: 6, Multiple: true, Join: true, Older: OlderFrame},
		least: 77,
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 86 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"01 09 00 00 00 00 00 01 00 | B1 | 02 02 00 00 00 00 00 03 00 | A3 A4 A5 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 01 09 00 00 00 00 00 01 00 | B1 | 02 04 00 00 00 00 00 01 00 | D1",
		trimmed: "82 00 00 | 09 5D | 24 | 10 27 00 00 | 28 00 | 84 | 01 09 00 00 00 00 00 01 00 | B1 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 01 09 00 00 00 00 00 01 00 | B1 | 02 04 00 00 00 00 00 01 00 | " +
			"D1 | 00*36",
	},
	{
		name: "several, a whole frame before the key frame, stripped, no padding field", size: 50,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 82 | 02 02 00 00 00 00 00 03 00 | A3 A4 A5 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true, Join: true, Older: OlderFrame},
		least: 35,
		full: "82 00 00 | 09 5D | 0E | 10 27 00 00 | 28 00 | 82 | 02 02 00 00 00 00 00 03 00 | A3 A4 A5 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 00*14",
		trimmed: "82 00 00 | 09 5D | 1A | 10 27 00 00 | 28 00 | 81 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*26",
	},
	{
		name: "several, nothing goes but 2 bytes, one for a padding field", size: 35,
		in:      "01 40 | 10 27 00 00 | 28 00 | 42 | 02 | 00 | 82 | 16 | AA*22",
		want:    Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true, Join: true, Older: OlderFrame},
		least:   35,
		trimmed: "09 40 | 01 | 10 27 00 00 | 28 00 | 41 | 82 | 16 | AA*22 | 00",
	},
	{
		name: "several, compressed frames before compressed key frames", size: 46,
		in: "82 00 00 | 09 5D | 08 | 10 27 00 00 | 28 00 | 42 | 02 01 40 33 00 00 01 28 05 | 01 AA 02 BB CC | " +
			"82 02 68 33 00 00 01 28 02 | 01 DD | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 8, Payloads: 2, Multiple: true, Join: true, Older: OlderFrame},
		least: 38,
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 42 | 02 01 40 33 00 00 01 28 05 | 01 AA 02 BB CC | " +
			"82 02 68 33 00 00 01 28 02 | 01 DD",
		trimmed: "82 00 00 | 09 5D | 16 | 10 27 00 00 | 28 00 | 41 | 82 02 68 33 00 00 01 28 02 | 01 DD | 00*22",
	},
	{
		name: "several, the end of a frame before the key frame, packet length of the whole packet", size: 50,
		in: "82 00 00 | 49 5D | 32 00 | 0D | 10 27 00 00 | 28 00 | 82 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 00*13",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 13, Payloads: 2, Multiple: true, Join: true, Older: OlderTail},
		least: 37,
		short: "82 00 00 | 49 5D | 32 00 | 00 | 10 27 00 00 | 28 00 | 82 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2",
		trimmed: "82 00 00 | 49 5D | 32 00 | 18 | 10 27 00 00 | 28 00 | 81 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*24",
	},
	{
		name: "several, the end of a frame before the key frame, packet length without the padding, as GStreamer has it",
		size: 55,
		in: "51 5D | 23 00 | 14 00 | 10 27 00 00 | 28 00 | 82 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 00*20",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 20, Payloads: 2, Multiple: true, Join: true, Older: OlderTail},
		least: 35,
		short: "51 5D | 23 00 | 00 00 | 10 27 00 00 | 28 00 | 82 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2",
		trimmed: "51 5D | 23 00 | 0B 00 | 10 27 00 00 | 28 00 | 81 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*31",
	},
	{
		name: "several, the end of a frame before the key frame, packet length, no padding field", size: 36,
		in: "82 00 00 | 41 5D | 24 00 | 10 27 00 00 | 28 00 | 82 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2",
		want:    Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true, Join: true, Older: OlderTail},
		least:   36,
		trimmed: "82 00 00 | 49 5D | 24 00 | 0A | 10 27 00 00 | 28 00 | 81 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*10",
	},
	{
		name: "several, a frame so long that the padding's BYTE must widen", size: 291,
		in: "82 00 00 | 09 5D | 02 | 10 27 00 00 | 28 00 | 82 | 02 02 00 00 00 00 00 00 01 | A3*256 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 00*2",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 2, Payloads: 2, Multiple: true, Join: true, Older: OlderFrame},
		least: 289,
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 82 | 02 02 00 00 00 00 00 00 01 | A3*256 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2",
		trimmed: "82 00 00 | 11 5D | 0A 01 | 10 27 00 00 | 28 00 | 81 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*266",
	},
	{
		name: "several, a frame too long for the padding's BYTE, packet length", size: 293,
		in: "82 00 00 | 49 5D | 25 01 | 02 | 10 27 00 00 | 28 00 | 82 | 02 02 00 00 00 00 00 00 01 | A3*256 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 00*2",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 2, Payloads: 2, Multiple: true, Join: true, Older: OlderFrame},
		least: 291,
		short: "82 00 00 | 49 5D | 25 01 | 00 | 10 27 00 00 | 28 00 | 82 | 02 02 00 00 00 00 00 00 01 | A3*256 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2",
		trimmed: "82 00 00 | 51 5D | 25 01 | 0A 01 | 10 27 00 00 | 28 00 | 81 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*266",
	},
	{
		name: "several, older video only behind the first of two key frames", size: 71,
		in: "82 00 00 | 09 5D | 03 | 10 27 00 00 | 28 00 | 85 | 01 09 00 00 00 00 00 01 00 | B1 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"02 02 00 00 00 00 00 03 00 | A3 A4 A5 | 82 03 00 00 00 00 00 02 00 | C1 C2 | 00*3",
		want:  Packet{SendTime: 10000, Duration: 40, Padding: 3, Payloads: 5, Multiple: true, Join: true},
		least: 68,
		short: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 85 | 01 09 00 00 00 00 00 01 00 | B1 | " +
			"82 03 00 00 00 00 00 02 00 | C1 C2 | 02 01 44 00 00 00 00 02 00 | A1 A2 | " +
			"02 02 00 00 00 00 00 03 00 | A3 A4 A5 | 82 03 00 00 00 00 00 02 00 | C1 C2",
	},
	{
		name: "several, key bit of audio and the rest of a key frame: no place to start", size: 40,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 83 | 82 01 44 00 00 00 00 01 00 | AA | " +
			"81 09 00 00 00 00 00 00 00 | 02 02 00 00 00 00 00 00 00",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 3, Multiple: true},
		least: 40,
	},
	{
		name: "several, streams unknown to the header", size: 40,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 83 | 83 01 00 00 00 00 00 01 00 | AA | " +
			"80 09 00 00 00 00 00 00 00 | 82 02 00 00 00 00 00 00 00",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 3, Unknown: 2, Multiple: true, Join: true},
		least: 40,
	},
	{
		name: "audio only, object begins", size: 40, audio: true,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 82 | 01 01 00 00 00 00 00 01 00 | AA | " +
			"01 02 44 00 00 00 00 08 00 | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true, Join: true},
		least: 39,
		full: "82 00 00 | 09 5D | 00 | 10 27 00 00 | 28 00 | 82 | 01 01 00 00 00 00 00 01 00 | AA | " +
			"01 02 44 00 00 00 00 08 00 | 00*8",
	},
	{
		name: "audio only, object goes on in the first payload", size: 39, audio: true,
		in: "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 82 | 81 01 44 00 00 00 00 01 00 | AA | " +
			"81 02 00 00 00 00 00 08 00 | 00*8",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 2, Multiple: true},
		least: 39,
	},
	{
		name: "audio only, compressed", size: 40, audio: true,
		in:    "82 00 00 | 01 5D | 10 27 00 00 | 28 00 | 81 | 01 01 40 33 00 00 01 28 12 00 | 11 | AA*17",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 1, Multiple: true, Join: true},
		least: 40,
	},
	{
		name: "63 empty payloads", size: 138,
		in:    "82 00 00 | 01 40 | 10 27 00 00 | 28 00 | 7F | 0200*63",
		want:  Packet{SendTime: 10000, Duration: 40, Payloads: 63, Multiple: true},
		least: 138,
	},
}
