package attack

import (
	"fmt"
	"time"

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

// A tick is what the machine has been busy with until one moment.
type tick struct {
	busy, total int64
	own         time.Duration // of it by this process
}

func tickNow() (t tick, err error) {
	t.own = machine.OwnCPU()
	t.busy, t.total, err = machine.Ticks()
	return t, err
}

// others is the share of the machine, since an earlier tick, that neither this process took nor who took seconds.
func (t tick) others(since tick, seconds float64) float64 {
	known := t.own - since.own + time.Duration(seconds*float64(time.Second))
	return machine.OthersShare(t.busy-since.busy, t.total-since.total, known)
}
