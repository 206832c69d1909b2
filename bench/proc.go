package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// userHZ is the unit of CPU times in /proc, ticks a second: 100 on every Linux that Go runs on.
const userHZ = 100

// Used is what a process has used so far.
type used struct {
	cpu time.Duration // user and system, all threads
	rss int64         // bytes resident
}

// processUsage reads /proc/PID/stat and status. A process that is gone is an error.
func processUsage(pid int) (used, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return used{}, err
	}
	cpu, err := parseStat(string(stat))
	if err != nil {
		return used{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return used{}, err
	}
	rss, err := statusKB(string(status), "VmRSS:")
	if err != nil {
		return used{}, fmt.Errorf("/proc/%d/status: %w", pid, err)
	}
	return used{cpu, rss << 10}, nil
}

// parseStat takes utime and stime, fields 14 and 15. The second field is the program's name in parentheses, which may
// hold anything, so count from the last of those.
func parseStat(s string) (time.Duration, error) {
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("%d fields after the name, need 13", len(f))
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("times %q %q", f[11], f[12])
	}
	return time.Duration(user+system) * (time.Second / userHZ), nil
}

// statusKB takes one line "Name:   123 kB".
func statusKB(s, name string) (int64, error) {
	for line := range strings.Lines(s) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.ParseInt(strings.Fields(rest + " ?")[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("no %s", name)
}

// ownCPU is the user and system time of this process.
func ownCPU() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// kernelTCP is the memory in bytes that all TCP sockets of the machine hold, both ends of loopback connections.
func kernelTCP() (int64, error) {
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

// machineTicks gives busy and total CPU time of the machine, in ticks.
func machineTicks() (busy, total int64, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseTicks(string(b))
}

// othersShare is the share of the machine that was busy, but not with what is known.
func othersShare(busy, total int64, known time.Duration) float64 {
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
