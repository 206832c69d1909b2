package server

import (
	"time"

	"pumpd/server/clock"
)

// A pulse is how the packets of a source come. It tells a silence from the pace of a slow stream.
type pulse struct {
	packets int
	first   clock.Instant // of packets
	latest  clock.Instant // of packets
	pace    time.Duration // between packets, on average
}

// beat notes that a packet has come.
func (p *pulse) beat(now clock.Instant) {
	if p.packets == 0 {
		p.first = now
	} else {
		p.pace += (now.Since(p.latest) - p.pace) / 8
	}
	p.packets++
	p.latest = now
}

// patience is the time without packets that is no accident. Sources with a packet every two seconds are allowed more
// than those with fifty a second.
func (p *pulse) patience() time.Duration { return max(reliefTime, 4*p.pace) }

// reliefTime is half of what a failover may take.
const reliefTime = time.Second
