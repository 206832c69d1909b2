package link

import (
	"fmt"
	"time"
)

// A Count is what one direction did.
type Count struct {
	Passed       Amount        // arrived
	Dropped      Amount        // by the full queue
	Lost         Amount        // by the dice
	OnTheWay     Amount        // neither yet
	LongestQueue int           // bytes
	LongestWait  time.Duration // of a packet until it was out
}

// An Amount of IP packets, whose bytes include their headers.
type Amount struct{ Packets, Bytes int64 }

func (a *Amount) add(data []byte) {
	a.Packets++
	a.Bytes += int64(len(data))
}

// summary is a line for people; took is the time that it was counted in.
func (c Count) summary(took time.Duration) string {
	s := fmt.Sprintf("passed %d packets, %.2f MB, %.2f Mbit/s; dropped by the queue %d, lost %d",
		c.Passed.Packets, float64(c.Passed.Bytes)/1e6, float64(c.Passed.Bytes)*8/1e6/took.Seconds(),
		c.Dropped.Packets, c.Lost.Packets)
	if c.OnTheWay.Packets > 0 {
		s += fmt.Sprintf(", still on the way %d", c.OnTheWay.Packets)
	}
	return s + fmt.Sprintf("; longest queue %d bytes, %v", c.LongestQueue, c.LongestWait.Round(100*time.Microsecond))
}
