// Package check finds what is wrong with the stream that one viewer gets; it is stricter than a player.
package check

import (
	"bytes"
	"errors"

	"pumpd/asf"
	"pumpd/bench/probe"
)

// A Checker reads everything that one viewer gets after the HTTP head and finds what is wrong with it. What it expects:
// MMSH (frames.go), raw ASF, or, where a server starts anywhere in the byte stream, probes alone (raw.go). One
// goroutine uses it.
type Checker struct {
	// Set by New, never changed.
	lenient bool              // skips to a key frame are allowed: a viewer that reads too slowly
	onStamp func(stamp int64) // is told the unix ns of each packet's probe, nil: nobody wants to know

	found   Findings
	unit    func(b []byte) int // takes one unit off b; 0: more bytes are needed
	buf     []byte             // a unit that is not whole yet
	dead    bool               // a fault that ends all understanding
	head    *asf.Header        // nil before it arrived
	parts   []byte             // fragments of $H
	started bool               // the first packet has been seen
	sent    frameCounters      // MMSH
	number  uint64             // of the next probe
	plain   bool               // packets have no probes: from a file
}

// Findings are what a Checker has seen.
type Findings struct {
	Faults  Faults
	Packets int64
	Keys    int64  // packets that begin a key frame
	Skips   int64  // to a key frame, allowed ones
	Probed  bool   // packets carry probes: order and age are known
	Ended   bool   // $E
	Reason  uint32 // of that $E
}

// Findings are what has been seen so far.
func (c *Checker) Findings() Findings { return c.found }

// frameCounters is what the next $D must carry.
type frameCounters struct {
	location uint32
	flags    uint8
}

// New makes a Checker of an MMSH body or, without mmsh, of any other. lenient allows skips to a key frame, as servers
// make them for viewers that read too slowly. onStamp, which may be nil, is told the unix time in ns of each packet's
// probe.
func New(mmsh, lenient bool, onStamp func(int64)) *Checker {
	c := &Checker{lenient: lenient, onStamp: onStamp}
	c.unit = c.rawStart
	if mmsh {
		c.unit = c.frame
	}
	return c
}

// Feed takes the next bytes, cut anywhere.
func (c *Checker) Feed(b []byte) {
	if len(c.buf) > 0 {
		c.buf = append(c.buf, b...)
		b = c.buf
	}
	for !c.dead && len(b) > 0 {
		n := c.unit(b)
		if n == 0 {
			break
		}
		b = b[n:]
	}
	if c.dead {
		b = nil
	}
	c.buf = append(c.buf[:0], b...)
}

// giveUp records a fault after which nothing can be understood.
func (c *Checker) giveUp(kind fault, format string, args ...any) int {
	c.found.Faults.add(kind, format, args...)
	c.dead = true
	return 0
}

// header takes a whole ASF header with its 50 bytes.
func (c *Checker) header(b []byte) bool {
	h, err := asf.ParseHeader(b)
	if err != nil {
		c.giveUp(faultHeader, "%v", err)
		return false
	}
	c.head = h
	return true
}

// packet checks one ASF packet. skipped says that the server announced missing packets in front of it.
func (c *Checker) packet(b []byte, skipped bool) {
	p, err := c.head.ParsePacket(b)
	if err != nil {
		c.found.Faults.add(faultPacket, "packet %d of this viewer: %v", c.found.Packets, err)
	}
	if err == nil && !p.Join && (!c.started || skipped) {
		c.found.Faults.add(faultKeyStart, "packet %d of this viewer does not start a key frame", c.found.Packets)
	}
	if p.Join {
		c.found.Keys++
	}
	c.started = true
	c.found.Packets++
	if !c.plain {
		c.probe(b, skipped)
	}
}

// probe checks content and continuity. A file's packets have no probes: then there is nothing to compare with.
func (c *Checker) probe(b []byte, skipped bool) {
	p, err := probe.InPacket(b)
	if errors.Is(err, probe.ErrNone) && !c.found.Probed {
		c.plain = true
		return
	}
	if err != nil {
		c.found.Faults.add(faultContent, "%v", err)
		c.number++
		return
	}
	c.follow(p, skipped)
}

// follow checks that p is the next packet of the source.
func (c *Checker) follow(p probe.Probe, skipped bool) {
	if c.found.Probed && p.Number != c.number && !(skipped && p.Number > c.number) {
		c.found.Faults.add(faultGap, "packet %d of the source where %d belongs", p.Number, c.number)
	}
	c.found.Probed, c.number = true, p.Number+1
	if c.onStamp != nil {
		c.onStamp(p.Stamp)
	}
}

// restart forgets the order of packets: a new header has come.
func (c *Checker) restart() {
	c.started, c.found.Probed, c.plain = false, false, false
	c.sent.location = 0
}

// headerGUID is what an ASF Header Object starts with, asf.md §2.
var headerGUID = []byte("\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C")

// atHeader says whether b starts with an ASF Header Object; short is true while b is too short to tell.
func atHeader(b []byte) (yes, short bool) {
	if len(b) < len(headerGUID) {
		return false, bytes.HasPrefix(headerGUID, b)
	}
	return bytes.HasPrefix(b, headerGUID), false
}
