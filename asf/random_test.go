package asf

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// generated is a valid packet of random shape and what its maker knows of it.
type generated struct {
	b        []byte
	size     int // packet size
	payloads []string
	multiple bool
	exact    bool // size bytes of which the padding length tells the truth, and padding is zeros
}

var randomHeaders = map[int]*Header{}

func (g generated) header(t testing.TB) *Header {
	if randomHeaders[g.size] == nil {
		randomHeaders[g.size] = testHeader(t, g.size, true)
	}
	return randomHeaders[g.size]
}

// randomPacket makes a packet out of the same r always in the same way. It has any types of fields, any payloads that
// fit, and padding that is there, partly there or cut off, declared in any of the ways in use.
func randomPacket(r *rand.Rand) generated {
	g := generated{size: [...]int{64, 300, 1000}[r.IntN(3)], multiple: r.IntN(2) == 0}
	lengthType, sequenceType, paddingType := byte(r.IntN(4)), byte(r.IntN(4)), byte(r.IntN(4))
	properties := byte(r.IntN(64)) | 0x40
	if r.IntN(2) == 0 {
		properties = 0x5D
	}
	if lengthType == byte1 && g.size > 0xFF {
		lengthType = word
	}

	var front []byte
	if r.IntN(4) > 0 {
		front = append([]byte{0x82, 0x90, 0x85}[r.IntN(3):][:1], make([]byte, 5)...)
		front = front[:1+front[0]&0x0F]
	}
	flags := lengthType<<5 | paddingType<<3 | sequenceType<<1
	if g.multiple {
		flags |= 1
	}
	front = append(front, flags, properties)
	tail := append(randomBytes(r, width[sequenceType]), make([]byte, width[paddingType])...)
	tail = append(tail, randomBytes(r, 6)...)

	room := g.size - len(front) - width[lengthType] - len(tail)
	body := g.addPayloads(r, properties, room)
	return g.pad(r, front, tail, body, lengthType, paddingType)
}

// addPayloads makes payloads of at most room bytes.
func (g *generated) addPayloads(r *rand.Rand, properties byte, room int) []byte {
	if !g.multiple {
		return g.addPayload(r, properties, none, room)
	}
	lengthType := byte(1 + r.IntN(3))
	body := []byte{0}
	for len(g.payloads) < 1+r.IntN(5) {
		more := g.addPayload(r, properties, lengthType, room-len(body))
		if more == nil {
			break
		}
		body = append(body, more...)
	}
	body[0] = byte(len(g.payloads)) | lengthType<<6
	return body
}

// addPayload makes one payload, nil if room is too small for what it has thrown.
func (g *generated) addPayload(r *rand.Rand, properties, lengthType byte, room int) []byte {
	streams := []byte{0x01, 0x02, 0x82, 0x03}
	if len(g.payloads) == 0 { // one must be of a stream that the header declares
		streams = streams[:3]
	}
	head := []byte{streams[r.IntN(len(streams))]}
	head = append(head, randomBytes(r, width[properties>>4&3])...)
	head = append(head, randomBytes(r, width[properties>>2&3])...)
	if r.IntN(2) == 0 && len(head) > 1 {
		clear(head[1:])
	}
	replicated := make([]byte, width[properties&3])
	compressed := false
	if len(replicated) > 0 {
		n := []int{0, 1, 8, 8, 8, 12}[r.IntN(6)]
		compressed = n == 1
		replicated[0] = byte(n)
		replicated = append(replicated, randomBytes(r, n)...)
	}
	head = append(head, replicated...)

	room = min(room-len(head)-width[lengthType], 200)
	if room < 0 {
		if len(g.payloads) == 0 { // at least one there must be: the smallest that these properties allow
			return g.smallest(properties, lengthType)
		}
		return nil
	}
	data := randomBytes(r, r.IntN(room+1))
	if compressed {
		data = randomRun(r, len(data))
	}
	length := make([]byte, 4)
	le.PutUint32(length, uint32(len(data)))
	head = append(head, length[:width[lengthType]]...)
	g.payloads = append(g.payloads, fmt.Sprintf("%x | %x", head, data))
	return append(head, data...)
}

func (g *generated) smallest(properties, lengthType byte) []byte {
	head := make([]byte, 1+width[properties>>4&3]+width[properties>>2&3]+width[properties&3]+width[lengthType])
	head[0] = 1
	g.payloads = append(g.payloads, fmt.Sprintf("%x | ", head))
	return head
}

// pad puts the packet together. What the payloads leave of its size is declared as padding, or as Packet Length, or not
// at all; then it is cut off, unless there are several payloads.
func (g generated) pad(r *rand.Rand, front, tail, body []byte, lengthType, paddingType byte) generated {
	end := len(front) + width[lengthType] + len(tail) + len(body)
	slack := g.size - end
	padding, n := 0, g.size
	if fits(paddingType, slack) && r.IntN(4) > 0 {
		padding = slack
	} else if paddingType != none {
		padding = r.IntN(min(slack, 255) + 1)
	}
	length := end + padding
	exact := padding == slack && r.IntN(3) > 0
	switch {
	case exact:
	case lengthType == none && !g.multiple:
		n = length // single without Packet Length: the rest can only be cut
	case r.IntN(3) == 0 && padding > 0 && lengthType != none:
		n = end // all cut, padding still declared
	case r.IntN(2) == 0 && lengthType != none:
		length, padding, n = g.size-r.IntN(slack+1), 0, end // padding set to 0, Packet Length forgotten
	case r.IntN(2) == 0:
		n = length + r.IntN(g.size-length+1)
	}
	g.exact = exact && (lengthType == none || length == g.size)

	b := append([]byte(nil), front...)
	b = append(b, u32(uint32(length))[:width[lengthType]]...)
	at := len(b)
	b = append(append(b, tail...), body...)
	putField(b[at+len(tail)-6-width[paddingType]:], paddingType, padding)
	g.b = appendZeros(b, n-end)
	if len(g.b) < minPacket { // the smallest of all fields with next to nothing behind them: too small to be taken
		return randomPacket(r)
	}
	return g
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + r.IntN(255)) // a zero could pass for padding
	}
	return b
}

// randomRun is a run of compressed objects, n bytes in all.
func randomRun(r *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		size := r.IntN(min(n-len(b), 256))
		b = append(append(b, byte(size)), randomBytes(r, size)...)
	}
	return b
}
