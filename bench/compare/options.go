package compare

import (
	"strings"
	"time"
)

// A Point is one workload.
type Point struct {
	Name    string
	Viewers int
	Bitrate int // bit/s of whole ASF packets
	Packet  int // bytes of an ASF packet
}

// Options are what to compare, where and for how long.
type Options struct {
	Points   []Point
	Rounds   int           // the table has their medians
	Window   time.Duration // of each measurement
	Settle   time.Duration // before each measurement
	Patience time.Duration // a viewer that waits so long for the first byte has failed
	Ramp     float64       // viewers that join a second
	Merge    time.Duration // of the floor: one send per socket in this time
	Drain    time.Duration // pause of viewers between two looks at their sockets
	Pumpd    string        // path of the binary
	Settings [][]string    // a pumpd for each of them, with these lines of TOML in [server]
	Looked   bool          // each pumpd runs once more, with its status page open and its metrics scraped
	Only     string        // names of contestants, separated by commas: floor, pumpd, cubemap, icecast; "": all
}

// Wants says whether Only leaves a contestant in.
func (o *Options) Wants(name string) bool {
	return o.Only == "" || strings.Contains(","+o.Only+",", ","+name+",")
}
