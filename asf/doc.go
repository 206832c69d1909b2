// Package asf reads what a reflector must know of ASF (Advanced Systems Format) and leaves the rest alone. It never
// decodes media: it finds out how long packets are, where a viewer may start and where padding sits, and rewrites
// nothing but padding, clocks, the first packet of a viewer (Older) and the few header fields that would stop a player
// of a live stream.
//
// A file is two objects and perhaps some indexes; a live stream is the same without end and without indexes:
//
//	+----------------------+-----------------------------------+------------------
//	| Header Object        | Data Object                       | Simple Index, ...
//	|  File Properties     | 50 bytes | packet | packet | ...  | (files only)
//	|  Stream Properties   |                                   |
//	|  Header Extension    |                                   |
//	+----------------------+-----------------------------------+------------------
//	|<--------- Header ---------->|<- P ->|
//
// What players are given as "the header" is the Header Object and the first 50 bytes of the Data Object. Every packet
// fills exactly P bytes in a file and in raw ASF over HTTP; in MMSH and in pushes its padding may have been cut off.
//
//	 0            EC                                                             end          n
//	+------------+-----+------+--------+----------+---------+-----------+-----+-------------+---------+
//	| 82 00 00   | LTF | prop | Packet | Sequence | Padding | Send Time | Dur.| payload(s)  | padding |
//	| (optional) |     |      | Length |          | Length  | u32, ms   | u16 |             |         |
//	+------------+-----+------+--------+----------+---------+-----------+-----+-------------+---------+
//	                          |<- each 0, 1, 2 or 4 bytes ->|
//
// LTF, the length-type flags, say how wide each of the three lengths is and whether there are several payloads:
//
//	bit    7    6 5              4 3              2 1         0
//	     +---+----------------+----------------+-----------+----------+
//	     | 0 | Packet Length  | Padding Length | Sequence  | multiple |
//	     +---+----------------+----------------+-----------+----------+
//	          0 none, 1 BYTE, 2 WORD, 3 DWORD
//
// Everything is little-endian. Sections named in this package are those of the ASF specification, revision 01.20.03.
//
// A [Header] never changes after [ParseHeader] and may be used by any number of goroutines. Functions that make a
// packet append to a caller's slice and keep nothing.
package asf
