// Package codec turns bytes into requests, responses, chunks and frames, and back. It knows the wire and nothing else:
// no sockets, no time, no streams.
//
//	request.go  response.go    HTTP/1 heads
//	fields.go   framing.go     what the two share: lines, fields, where a body ends
//	pragma.go   agent.go       what MMSH puts into fields, and
//	cookie.go                  what pushes do
//	chunked.go                 the chunked transfer coding of a body
//	frame.go                   the $ framing of MMSH and push bodies
//	data.go                    the 8-byte header inside the $H, $D and $M of MMSH
//	playerlog.go               what players say when they stop
//	write.go                   what we send
//
// A parser is a function of bytes. n > 0: that much is consumed and the next thing begins there. ErrShort: nothing is
// consumed, come again with the same bytes and more. Any other error: the peer is wrong and the connection is lost,
// because nobody knows where the next thing begins. Parsers keep nothing between calls (Chunked, which has to, says
// so), copy nothing and, when the input is good, allocate nothing: every slice in a result aliases the input and is
// worthless once the input is overwritten.
//
// Writers append to dst and return it.
//
// Integers in frames are little-endian. Sizes are bytes unless a name says otherwise.
//
// Sections in brackets: [MS-WMSP] is the viewers' side, [MS-WMHTTP] the encoders', [MS-WMLOG] the logs of players,
// [RFC 9110] and [RFC 9112] HTTP.
package codec

import "errors"

// ErrShort: the input is good as far as it goes, but it ends too early.
var ErrShort = errors.New("short input")
