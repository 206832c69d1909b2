package attack

import (
	"fmt"

	"pumpd/bench/machine"
)

// A Use is what a process takes.
type Use struct {
	CPU         float64 // seconds since it was started, or of a time
	RSS         int64   // bytes
	Descriptors int
}

func useOf(pid int) (Use, error) {
	u, err := machine.ProcessUsage(pid)
	if err != nil {
		return Use{}, fmt.Errorf("pump: %w", err)
	}
	n, err := machine.Descriptors(pid)
	if err != nil {
		return Use{}, fmt.Errorf("pump: %w", err)
	}
	return Use{CPU: u.CPU.Seconds(), RSS: u.RSS, Descriptors: n}, nil
}

// peak makes u the largest of both; CPU is the other's, which is newer.
func (u *Use) peak(o Use) {
	u.CPU, u.RSS, u.Descriptors = o.CPU, max(u.RSS, o.RSS), max(u.Descriptors, o.Descriptors)
}

// within says whether memory and descriptors are no more than growth above base.
func (u Use) within(base Use, growth float64) bool {
	return float64(u.RSS) <= float64(base.RSS)*(1+growth) &&
		float64(u.Descriptors) <= float64(base.Descriptors)*(1+growth)
}
