package asf

import (
	"fmt"
	"math"
)

// A Lap as bytes, little-endian:
//
//	packets 8   last 4   at 8   latest 8   doubt 4   waits 1   streams 1
//	of each stream with objects: number 1   objects 4   origin 4   first 4   last 4
const (
	lapBytes  = 8 + 4 + 8 + 8 + 4 + 1 + 1
	spanBytes = 1 + 4*4
	longestAt = 1 << 42 // ms, more than a century
)

// MarshalBinary is all that a Lap knows, for another process to measure on. It never fails.
func (t *Lap) MarshalBinary() ([]byte, error) {
	b := le.AppendUint64(nil, uint64(t.packets))
	b = le.AppendUint32(b, t.last)
	b = le.AppendUint64(b, uint64(t.at))
	b = le.AppendUint64(b, uint64(t.latest))
	b = le.AppendUint32(b, t.doubt)
	waits := byte(0)
	if t.waits {
		waits = 1
	}
	b = append(b, waits, 0)
	for i, s := range t.spans {
		if s.objects == 0 {
			continue
		}
		b[lapBytes-1]++
		b = le.AppendUint32(append(b, byte(i)), uint32(s.objects))
		b = le.AppendUint32(b, s.origin)
		b = le.AppendUint32(b, uint32(s.first))
		b = le.AppendUint32(b, uint32(s.last))
	}
	return b, nil
}

// UnmarshalBinary is the reverse. An error names what cannot be.
func (t *Lap) UnmarshalBinary(b []byte) error {
	if len(b) < lapBytes || len(b) != lapBytes+spanBytes*int(b[lapBytes-1]) {
		return fmt.Errorf("lap: %d bytes", len(b))
	}
	read := Lap{Track: Track{packets: int(le.Uint64(b)), last: le.Uint32(b[8:]), at: int64(le.Uint64(b[12:])),
		latest: int64(le.Uint64(b[20:])), doubt: le.Uint32(b[28:]), waits: b[32] != 0}}
	switch {
	case read.packets < 0:
		return fmt.Errorf("lap: %d packets", read.packets)
	case read.latest < 0 || read.latest > longestAt || read.at > read.latest || read.at < -longestAt:
		return fmt.Errorf("lap: at %d ms, at the most %d", read.at, read.latest)
	}
	for b = b[lapBytes:]; len(b) > 0; b = b[spanBytes:] {
		objects := le.Uint32(b[1:])
		if b[0] > maxStream || objects == 0 || objects > math.MaxInt32 {
			return fmt.Errorf("lap: %d objects of stream %d", objects, b[0])
		}
		read.spans[b[0]] = span{int(objects), le.Uint32(b[5:]), int32(le.Uint32(b[9:])), int32(le.Uint32(b[13:]))}
	}
	*t = read
	return nil
}
