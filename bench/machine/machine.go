// Package machine tells what processes and the whole machine have used, from /proc.
package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// TCPMemory is the memory in bytes that all TCP sockets of the machine hold, both ends of loopback connections.
func TCPMemory() (int64, error) {
	b, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0, err
	}
	return parseSockstat(string(b))
}

// parseSockstat takes "TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 31"; mem is in pages.
func parseSockstat(s string) (int64, error) {
	for line := range strings.Lines(s) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TCP:" {
			continue
		}
		for i := 1; i+1 < len(f); i += 2 {
			if f[i] == "mem" {
				pages, err := strconv.ParseInt(f[i+1], 10, 64)
				return pages * int64(os.Getpagesize()), err
			}
		}
	}
	return 0, fmt.Errorf("/proc/net/sockstat: no TCP mem")
}

// Ticks gives busy and total CPU time of the machine since it was started, in ticks of 1/100 s.
func Ticks() (busy, total int64, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseTicks(string(b))
}

// OthersShare is the share (0 to 1) of the machine that was busy, but not with what is known: busy and total are
// differences of Ticks, known is CPU time in between.
func OthersShare(busy, total int64, known time.Duration) float64 {
	if total <= 0 {
		return 0
	}
	return max(0, (float64(busy)-known.Seconds()*userHZ)/float64(total))
}

// parseTicks takes "cpu user nice system idle iowait irq softirq steal …". Guest time is part of user time already.
func parseTicks(s string) (busy, total int64, err error) {
	line, _, _ := strings.Cut(s, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, 0, fmt.Errorf("/proc/stat: %q", line)
	}
	for i := 1; i < 9; i++ {
		v, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		total += v
		if i != 4 && i != 5 { // idle, iowait
			busy += v
		}
	}
	return busy, total, nil
}

// CPUModel is the processor's name as /proc/cpuinfo has it, "unknown" if it has none.
func CPUModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// MaxOthers is the share of the machine from which on other programs spoil a measurement.
const MaxOthers = 0.03
