package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Limits of what surrounds the data. No sender we know uses extensions or trailers at all.
const (
	maxChunkLine = 256     // bytes of a size line with its extensions, and of a line of the trailer
	maxTrailer   = 4 << 10 // bytes of all lines of the trailer
)

// Chunked takes a chunked body apart. It is the one parser with a memory, of some bytes: a chunk is often larger than
// what we want to buffer. The zero value stands at the beginning of a body.
//
//	1F4 ;extension CRLF
//	500 bytes      CRLF
//	0              CRLF
//	*( trailer field CRLF )
//	               CRLF
//
// [RFC 9112] 7.1. In a request a line ends in CR LF and nothing else: a proxy that reads a lone CR or LF otherwise than
// we do would see other chunks, and no sender needs it.
type Chunked struct {
	BareLF bool // lines may end in LF alone: for responses, which nothing follows

	state   chunkState
	left    int64 // bytes of data that this chunk still owes
	trailer int   // bytes of trailer seen
}

type chunkState uint8

const (
	atSize    chunkState = iota // then inData, or inTrailer after the chunk of size 0
	inData                      // then atEnd
	atEnd                       // the line end behind the data; then atSize
	inTrailer                   // then atEOF
	atEOF                       // last
)

// Next takes one step: it consumes n bytes of b and may return some data, the first n of them. The next call wants
// b[n:], with more behind it if there is more.
//
//	data  n    err
//	some  > 0  nil       a run of data, perhaps not all of its chunk
//	nil   > 0  nil       something between the data
//	nil   0    ErrShort  come again with b and more
//	nil   ≥ 0  io.EOF    the body ends at b[n]; from now on always, with n = 0
//	nil   0    other     not a chunked body, or more of anything than its limit
func (c *Chunked) Next(b []byte) (data []byte, n int, err error) {
	switch c.state {
	case atSize:
		n, err = c.size(b)
	case inData:
		return c.data(b)
	case atEnd:
		n, err = c.end(b)
	case inTrailer:
		n, err = c.trailerLine(b)
	default:
		err = io.EOF
	}
	return nil, n, err
}

func (c *Chunked) size(b []byte) (n int, err error) {
	line, n, err := c.line(b)
	if err != nil {
		return 0, err
	}
	if c.left, err = chunkSize(line); err != nil {
		return 0, err
	}
	c.state = inData
	if c.left == 0 {
		c.state = inTrailer
	}
	return n, nil
}

func (c *Chunked) data(b []byte) (data []byte, n int, err error) {
	if len(b) == 0 {
		return nil, 0, ErrShort
	}
	n = int(min(c.left, int64(len(b))))
	if c.left -= int64(n); c.left == 0 {
		c.state = atEnd
	}
	return b[:n:n], n, nil
}

func (c *Chunked) end(b []byte) (n int, err error) {
	const crlf = "\r\n"
	n = min(len(b), len(crlf))
	if c.BareLF && n > 0 && b[0] == '\n' {
		c.state = atSize
		return 1, nil
	}
	if string(b[:n]) != crlf[:n] {
		return 0, fmt.Errorf("chunk: %q behind its data, allowed is CR LF", b[:n])
	}
	if n < len(crlf) {
		return 0, ErrShort
	}
	c.state = atSize
	return n, nil
}

func (c *Chunked) trailerLine(b []byte) (n int, err error) {
	line, n, err := c.line(b)
	if err != nil {
		return 0, err
	}
	if c.trailer += n; c.trailer > maxTrailer {
		return 0, fmt.Errorf("chunk trailer: %d bytes, limit %d", c.trailer, maxTrailer)
	}
	if len(line) == 0 {
		c.state = atEOF
		return n, io.EOF
	}
	return n, nil
}

// line returns the line b begins with, without its line end, and n, its length with it.
func (c *Chunked) line(b []byte) (line []byte, n int, err error) {
	window := b[:min(len(b), maxChunkLine)]
	n = bytes.IndexByte(window, '\n') + 1
	if n == 0 && len(window) == maxChunkLine {
		return nil, 0, fmt.Errorf("chunk: line of more than %d bytes", maxChunkLine)
	}
	if n == 0 {
		return nil, 0, ErrShort
	}
	line, ok := bytes.CutSuffix(window[:n-1], cr)
	if !ok && !c.BareLF || bytes.IndexByte(line, '\r') >= 0 {
		return nil, 0, fmt.Errorf("chunk: CR or LF alone in line %.40q", window[:n])
	}
	return line, n, nil
}

// chunkSize reads a size line: hexadecimal digits, then perhaps blanks, which old servers pad with, and extensions.
func chunkSize(line []byte) (size int64, err error) {
	digits := 0
	for ; digits < len(line); digits++ {
		d, ok := hexDigit(line[digits])
		if !ok {
			break
		}
		if size > math.MaxInt64>>4 {
			return 0, fmt.Errorf("chunk: size %.40q, limit %x", line, int64(math.MaxInt64))
		}
		size = size<<4 | d
	}
	rest := trim(line[digits:])
	if digits == 0 || len(rest) > 0 && rest[0] != ';' {
		return 0, fmt.Errorf("chunk: size %.40q is not hexadecimal", line)
	}
	return size, nil
}

func hexDigit(c byte) (v int64, ok bool) {
	switch c = lowerByte(c); {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	}
	return 0, false
}

// chunkedBytes is the size of what MarshalBinary gives.
const chunkedBytes = 2 + 8 + 4

// MarshalBinary is all that c remembers, for another process to go on with. It never fails.
func (c *Chunked) MarshalBinary() ([]byte, error) {
	b := make([]byte, 2, chunkedBytes)
	b[0] = byte(c.state)
	if c.BareLF {
		b[1] = 1
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(c.left))
	return binary.LittleEndian.AppendUint32(b, uint32(c.trailer)), nil
}

// UnmarshalBinary is the reverse. An error names what cannot be.
func (c *Chunked) UnmarshalBinary(b []byte) error {
	if len(b) != chunkedBytes {
		return fmt.Errorf("chunked: %d bytes, want %d", len(b), chunkedBytes)
	}
	read := Chunked{
		state: chunkState(b[0]), BareLF: b[1] != 0,
		left:    int64(binary.LittleEndian.Uint64(b[2:])),
		trailer: int(binary.LittleEndian.Uint32(b[10:])),
	}
	switch {
	case read.state > atEOF:
		return fmt.Errorf("chunked: state %d, limit %d", read.state, atEOF)
	case read.left < 0 || read.state == inData && read.left == 0:
		return fmt.Errorf("chunked: %d bytes left in state %d", read.left, read.state)
	case read.trailer > maxTrailer:
		return fmt.Errorf("chunked: trailer of %d bytes, limit %d", read.trailer, maxTrailer)
	}
	*c = read
	return nil
}
