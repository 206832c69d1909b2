package main

import (
	"bytes"
	"errors"

	"pumpd/asf"
)

// A checker reads everything that one viewer gets after the HTTP head and finds what is wrong with it. What it expects:
// MMSH (checkframes.go), raw ASF, or, where a server starts anywhere in the byte stream, probes alone (checkraw.go).
// It is stricter than a player. One goroutine uses it.
type checker struct {
	// Set by newChecker, never changed.
	lenient bool               // skips to a key frame are allowed: a viewer that reads too slowly
	onStamp func(stamp int64)  // is told the unix ns of each packet's probe
	faults  faults             //
	unit    func(b []byte) int // takes one unit off b; 0: more bytes are needed
	buf     []byte             // a unit that is not whole yet
	dead    bool               // a fault that ends all understanding
	head    *asf.Header        // nil before it arrived
	parts   []byte             // fragments of $H
	ended   bool               // $E
	reason  uint32             // of that $E
	packets int64              // seen
	skips   int64              // to a key frame, allowed ones
	bytes   int64              // of all units
	started bool               // the first packet has been seen
	sent    frameCounters      // MMSH
	number  uint64             // of the next probe
	probed  bool               // number is known
	plain   bool               // packets have no probes: from a file
}

// frameCounters is what the next $D must carry.
type frameCounters struct {
	location uint32
	flags    uint8
}

func newChecker(mmsh, lenient bool, onStamp func(int64)) *checker {
	c := &checker{lenient: lenient, onStamp: onStamp}
	c.unit = c.rawStart
	if mmsh {
		c.unit = c.frame
	}
	return c
}

// feed takes the next bytes, cut anywhere.
func (c *checker) feed(b []byte) {
	c.bytes += int64(len(b))
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
func (c *checker) giveUp(kind fault, format string, args ...any) int {
	c.faults.add(kind, format, args...)
	c.dead = true
	return 0
}

// header takes a whole ASF header with its 50 bytes.
func (c *checker) header(b []byte) bool {
	h, err := asf.ParseHeader(b)
	if err != nil {
		c.giveUp(faultHeader, "%v", err)
		return false
	}
	c.head = h
	return true
}

// packet checks one ASF packet. skipped says that the server announced missing packets in front of it.
func (c *checker) packet(b []byte, skipped bool) {
	p, err := c.head.ParsePacket(b)
	if err != nil {
		c.faults.add(faultPacket, "packet %d of this viewer: %v", c.packets, err)
	}
	if err == nil && !p.Join && (!c.started || skipped) {
		c.faults.add(faultKeyStart, "packet %d of this viewer does not start a key frame", c.packets)
	}
	c.started = true
	c.packets++
	if !c.plain {
		c.probe(b, skipped)
	}
}

// probe checks content and continuity. A file's packets have no probes: then there is nothing to compare with.
func (c *checker) probe(b []byte, skipped bool) {
	p, err := packetProbe(b)
	if errors.Is(err, errNoProbe) && !c.probed {
		c.plain = true
		return
	}
	if err != nil {
		c.faults.add(faultContent, "%v", err)
		c.number++
		return
	}
	c.follow(p, skipped)
}

// follow checks that p is the next packet of the source.
func (c *checker) follow(p probe, skipped bool) {
	if c.probed && p.number != c.number && !(skipped && p.number > c.number) {
		c.faults.add(faultGap, "packet %d of the source where %d belongs", p.number, c.number)
	}
	c.probed, c.number = true, p.number+1
	if c.onStamp != nil {
		c.onStamp(p.stamp)
	}
}

// restart forgets the order of packets: a new header has come.
func (c *checker) restart() {
	c.started, c.probed, c.plain = false, false, false
	c.sent.location = 0
}

// atGUID says whether b starts with an ASF Header Object; short is true while b is too short to tell.
func atGUID(b []byte) (yes, short bool) {
	if len(b) < len(guidHeader) {
		return false, bytes.HasPrefix(guidHeader, b)
	}
	return bytes.HasPrefix(b, guidHeader), false
}
