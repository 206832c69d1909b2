package compare

import (
	"strings"
	"time"
)

// A Point is one workload.
type Point struct {
	Name    string
	Viewers int
	Bitrate int // bit/s
	Packet  int // bytes
}

// Options are what to compare, where and for how long.
type Options struct {
	Points   []Point
	Rounds   int
	Window   time.Duration
	Settle   time.Duration
	Patience time.Duration
	Ramp     float64
	Merge    time.Duration // of the floor
	Drain    time.Duration
	Pumpd    string
	Settings [][]string
	Only     string
}

// Wants says whether -only leaves a contestant in.
func (o *Options) Wants(name string) bool {
	return o.Only == "" || strings.Contains(","+o.Only+",", ","+name+",")
}
