// Package probe marks what a source sends so that whoever gets it sees what is missing, damaged or late.
package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
)

// A Probe starts every payload of the synthetic source. Viewers find it by its magic, in whatever way a server framed
// or padded the packet, and so see what is missing, what is damaged and how old it is. Little-endian.
//
//	 0        8                 16              24       28      30      32
//	+--------+-----------------+---------------+--------+-------+-------+----------------
//	| magic  | packet number   | unix time, ns | length | index | count | filler
//	+--------+-----------------+---------------+--------+-------+-------+----------------
//
// Length counts the whole payload with this head; index of count payloads of the packet. The filler is a piece of one
// fixed noise that starts at another place for each packet, so a swapped or cut payload does not match.
type Probe struct {
	Number uint64 // of the packet, from 0
	Stamp  int64  // unix time in ns at which the source let the packet go
	Length int    // bytes, head included
	Index  int    // of this payload in its packet, from 0
	Count  int    // of payloads in the packet
}

const (
	Magic       = "\xb5bench\x01\xf3"
	Size        = 32
	noiseStarts = 4093 // prime, so that neighbours and powers of two apart differ
	maxLength   = 65535
)

var noise = makeNoise()

func makeNoise() []byte {
	b := make([]byte, maxLength+noiseStarts)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

var (
	// ErrShort says that the probe goes on behind the bytes given.
	ErrShort = errors.New("probe: more bytes follow")
	// ErrNone says that a packet is not from the synthetic source.
	ErrNone = errors.New("probe: none in this packet")
)

// Put writes the probe and its filler over all of dst; the length is that of dst (Size to 65535 bytes).
func (p Probe) Put(dst []byte) {
	copy(dst, Magic)
	binary.LittleEndian.PutUint64(dst[8:], p.Number)
	binary.LittleEndian.PutUint64(dst[16:], uint64(p.Stamp))
	binary.LittleEndian.PutUint32(dst[24:], uint32(len(dst)))
	binary.LittleEndian.PutUint16(dst[28:], uint16(p.Index))
	binary.LittleEndian.PutUint16(dst[30:], uint16(p.Count))
	copy(dst[Size:], noise[p.Number%noiseStarts:])
}

// Parse reads the probe that b starts with and compares its filler. ErrShort: it goes on behind b. The probe is valid
// together with an error about the filler.
func Parse(b []byte) (Probe, error) {
	if len(b) < Size {
		return Probe{}, ErrShort
	}
	p := Probe{
		Number: binary.LittleEndian.Uint64(b[8:]),
		Stamp:  int64(binary.LittleEndian.Uint64(b[16:])),
		Index:  int(binary.LittleEndian.Uint16(b[28:])),
		Count:  int(binary.LittleEndian.Uint16(b[30:])),
	}
	length := binary.LittleEndian.Uint32(b[24:])
	if string(b[:8]) != Magic || length < Size || length > maxLength || p.Index >= p.Count {
		return Probe{}, fmt.Errorf("probe: damaged head %x", b[:Size])
	}
	p.Length = int(length)
	if len(b) < p.Length {
		return p, ErrShort
	}
	if !bytes.Equal(b[Size:p.Length], noise[p.Number%noiseStarts:][:p.Length-Size]) {
		return p, fmt.Errorf("probe: packet %d payload %d: damaged content", p.Number, p.Index)
	}
	return p, nil
}

// InPacket finds all probes of one packet, checks them against each other and returns the first. ErrNone: the
// stream is not from the synthetic source.
func InPacket(packet []byte) (Probe, error) {
	var first Probe
	for i := 0; ; i++ {
		at := bytes.Index(packet, []byte(Magic))
		if at < 0 && i == 0 {
			return Probe{}, ErrNone
		}
		if at < 0 {
			return first, fmt.Errorf("probe: packet %d: %d payloads of %d", first.Number, i, first.Count)
		}
		p, err := Parse(packet[at:])
		if err != nil {
			return p, err
		}
		if i == 0 {
			first = p
		}
		if p.Index != i || p.Number != first.Number || p.Count != first.Count {
			return first, fmt.Errorf("probe: packet %d payload %d where packet %d payload %d belongs",
				p.Number, p.Index, first.Number, i)
		}
		if i+1 == first.Count {
			return first, nil
		}
		packet = packet[at+p.Length:]
	}
}
