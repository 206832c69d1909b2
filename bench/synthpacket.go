package main

import (
	"encoding/binary"
	"math"
	"time"
)

// take builds the next packet; its probe says the present time.
func (s *synth) take() []byte {
	b := append(s.buf[:0], 0x82, 0, 0) // error correction data: none of use, but always there
	b = append(b, s.lengthTypes(), 0x5D)
	if s.opt.padding > 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(s.opt.padding))
	}
	b = binary.LittleEndian.AppendUint32(b, s.sendTime(s.number))
	b = binary.LittleEndian.AppendUint16(b, uint16(math.Ceil(s.interval*1000)))
	if s.opt.payloads > 1 {
		b = append(b, byte(s.opt.payloads)|0x80) // WORD lengths
	}
	b = s.appendPayloads(b)
	b = append(b, make([]byte, s.opt.padding)...)
	s.number++
	s.buf = b
	return b
}

// lengthTypes is the flags byte of asf.md §4 row 3.
func (s *synth) lengthTypes() byte {
	var f byte
	if s.opt.payloads > 1 {
		f |= 0x01
	}
	if s.opt.padding > 0 {
		f |= 0x10
	}
	return f
}

func (s *synth) appendPayloads(b []byte) []byte {
	key := s.number%s.perGOP < s.perFrame
	n, left, stamp := s.opt.payloads, s.room(), s.now().UnixNano()
	for i := range n {
		size := left / (n - i)
		left -= size
		first := byte(1) // stream number
		if key && i == n-1 {
			first |= 0x80
		}
		b = append(b, first, byte(s.object(i)))
		b = binary.LittleEndian.AppendUint32(b, s.objectOffset(size))
		b = append(b, 8)
		b = binary.LittleEndian.AppendUint32(b, uint32(size)*uint32(s.perFrame))
		b = binary.LittleEndian.AppendUint32(b, s.frameTime())
		if n > 1 {
			b = binary.LittleEndian.AppendUint16(b, uint16(size))
		}
		at := len(b)
		b = append(b, make([]byte, size)...)
		probe{number: s.number, stamp: stamp, index: i, count: n}.put(b[at:])
	}
	return b
}

// object numbers frames: payloads of one frame share theirs.
func (s *synth) object(payload int) uint64 {
	return s.number/s.perFrame*uint64(s.opt.payloads) + uint64(payload)
}

// objectOffset is where in its frame a payload of size bytes begins.
func (s *synth) objectOffset(size int) uint32 { return uint32(s.number%s.perFrame) * uint32(size) }

// frameTime is the presentation time in ms that all payloads of the present frame show.
func (s *synth) frameTime() uint32 { return s.sendTime(s.number-s.number%s.perFrame) + synthPreroll }

// sendTime is the send time of packet n in ms.
func (s *synth) sendTime(n uint64) uint32 {
	return uint32((s.at(n) + s.offset) / time.Millisecond)
}

// at is when packet n leaves, counted from the start.
func (s *synth) at(n uint64) time.Duration {
	return time.Duration(float64(n) * s.interval * float64(time.Second))
}
