package source

import (
	"encoding/binary"
	"math"
	"time"

	"pumpd/bench/probe"
)

// Take builds the next packet; its probe says the present time.
func (s *Synthetic) Take() []byte {
	b := append(s.buf[:0], 0x82, 0, 0) // error correction data: none of use, but always there
	b = append(b, s.lengthTypes(), 0x5D)
	if s.opt.Padding > 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(s.opt.Padding))
	}
	b = binary.LittleEndian.AppendUint32(b, s.sendTime(s.number))
	b = binary.LittleEndian.AppendUint16(b, uint16(math.Ceil(s.interval*1000)))
	if s.opt.Payloads > 1 {
		b = append(b, byte(s.opt.Payloads)|0x80) // WORD lengths
	}
	b = s.appendPayloads(b)
	b = append(b, make([]byte, s.opt.Padding)...)
	s.number++
	s.buf = b
	return b
}

// lengthTypes is the flags byte of asf.md §4 row 3.
func (s *Synthetic) lengthTypes() byte {
	var f byte
	if s.opt.Payloads > 1 {
		f |= 0x01
	}
	if s.opt.Padding > 0 {
		f |= 0x10
	}
	return f
}

func (s *Synthetic) appendPayloads(b []byte) []byte {
	key := s.number%s.perGOP < s.perFrame
	n, left, stamp := s.opt.Payloads, s.room(), s.now().UnixNano()
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
		probe.Probe{Number: s.number, Stamp: stamp, Index: i, Count: n}.Put(b[at:])
	}
	return b
}

// object numbers frames: payloads of one frame share theirs.
func (s *Synthetic) object(payload int) uint64 {
	return s.number/s.perFrame*uint64(s.opt.Payloads) + uint64(payload)
}

// objectOffset is where in its frame a payload of size bytes begins.
func (s *Synthetic) objectOffset(size int) uint32 { return uint32(s.number%s.perFrame) * uint32(size) }

// frameTime is the presentation time in ms that all payloads of the present frame show.
func (s *Synthetic) frameTime() uint32 { return s.sendTime(s.number-s.number%s.perFrame) + preroll }

// sendTime is the send time of packet n in ms.
func (s *Synthetic) sendTime(n uint64) uint32 {
	return uint32((s.at(n) + s.offset) / time.Millisecond)
}

// at is when packet n leaves, counted from the start.
func (s *Synthetic) at(n uint64) time.Duration {
	return time.Duration(float64(n) * s.interval * float64(time.Second))
}
