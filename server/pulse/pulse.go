// Package pulse tells a silence from the pace of a slow stream. A Pulse belongs to the goroutine that hears the source.
package pulse

import (
	"time"

	"pumpd/server/clock"
)

// A Pulse is how the packets of a source come. The zero value is one of which none has.
type Pulse struct {
	Packets int           // that have come
	First   clock.Instant // of packets
	Latest  clock.Instant // of packets
	Pace    time.Duration // between packets, on average; like all of it, Came sets it
}

// Came notes that a packet has come.
func (p *Pulse) Came(now clock.Instant) {
	if p.Packets == 0 {
		p.First = now
	} else {
		p.Pace += (now.Since(p.Latest) - p.Pace) / 8
	}
	p.Packets++
	p.Latest = now
}

// Patience is the time without packets that is no accident. Sources with a packet every two seconds are allowed more
// than those with fifty a second.
func (p *Pulse) Patience() time.Duration { return max(Relief, 4*p.Pace) }

// Relief is half of what a failover may take.
const Relief = time.Second
