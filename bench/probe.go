package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
)

// A probe starts every payload of the synthetic source. Viewers find it by its magic, in whatever way a server framed or
// padded the packet, and so see what is missing, what is damaged and how old it is. Little-endian.
//
//	 0        8                 16              24       28      30      32
//	+--------+-----------------+---------------+--------+-------+-------+----------------
//	| magic  | packet number   | unix time, ns | length | index | count | filler
//	+--------+-----------------+---------------+--------+-------+-------+----------------
//
// length counts the whole payload with this head; index of count payloads of the packet. The filler is a piece of one
// fixed noise that starts at another place for each packet, so a swapped or cut payload does not match.
type probe struct {
	number uint64
	stamp  int64 // unix time in ns at which the source let the packet go
	length int   // bytes, head included
	index  int
	count  int
}

const (
	probeMagic  = "\xb5bench\x01\xf3"
	probeSize   = 32
	noiseStarts = 4093 // prime, so that neighbours and powers of two apart differ
	maxProbe    = 65535
)

var noise = makeNoise()

func makeNoise() []byte {
	b := make([]byte, maxProbe+noiseStarts)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

var (
	// errProbeShort says that the probe goes on behind the bytes given.
	errProbeShort = errors.New("probe: more bytes follow")
	errNoProbe    = errors.New("probe: none in this packet")
)

// put writes the probe and its filler over all of dst; the length is that of dst (probeSize to maxProbe bytes).
func (p probe) put(dst []byte) {
	copy(dst, probeMagic)
	binary.LittleEndian.PutUint64(dst[8:], p.number)
	binary.LittleEndian.PutUint64(dst[16:], uint64(p.stamp))
	binary.LittleEndian.PutUint32(dst[24:], uint32(len(dst)))
	binary.LittleEndian.PutUint16(dst[28:], uint16(p.index))
	binary.LittleEndian.PutUint16(dst[30:], uint16(p.count))
	copy(dst[probeSize:], noise[p.number%noiseStarts:])
}

// parseProbe reads the probe that b starts with and compares its filler. The probe is valid together with an error about
// the filler.
func parseProbe(b []byte) (probe, error) {
	if len(b) < probeSize {
		return probe{}, errProbeShort
	}
	p := probe{
		number: binary.LittleEndian.Uint64(b[8:]),
		stamp:  int64(binary.LittleEndian.Uint64(b[16:])),
		index:  int(binary.LittleEndian.Uint16(b[28:])),
		count:  int(binary.LittleEndian.Uint16(b[30:])),
	}
	length := binary.LittleEndian.Uint32(b[24:])
	if string(b[:8]) != probeMagic || length < probeSize || length > maxProbe || p.index >= p.count {
		return probe{}, fmt.Errorf("probe: damaged head %x", b[:probeSize])
	}
	p.length = int(length)
	if len(b) < p.length {
		return p, errProbeShort
	}
	if !bytes.Equal(b[probeSize:p.length], noise[p.number%noiseStarts:][:p.length-probeSize]) {
		return p, fmt.Errorf("probe: packet %d payload %d: damaged content", p.number, p.index)
	}
	return p, nil
}

// packetProbe finds all probes of one packet, checks them against each other and returns the first. errNoProbe: the
// stream is not from the synthetic source.
func packetProbe(packet []byte) (probe, error) {
	var first probe
	for i := 0; ; i++ {
		at := bytes.Index(packet, []byte(probeMagic))
		if at < 0 && i == 0 {
			return probe{}, errNoProbe
		}
		if at < 0 {
			return first, fmt.Errorf("probe: packet %d: %d payloads of %d", first.number, i, first.count)
		}
		p, err := parseProbe(packet[at:])
		if err != nil {
			return p, err
		}
		if i == 0 {
			first = p
		}
		if p.index != i || p.number != first.number || p.count != first.count {
			return first, fmt.Errorf("probe: packet %d payload %d where packet %d payload %d belongs", p.number, p.index, first.number, i)
		}
		if i+1 == first.count {
			return first, nil
		}
		packet = packet[at+p.length:]
	}
}
