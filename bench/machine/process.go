package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process has used so far.
type Usage struct {
	CPU time.Duration // user and system, all threads
	RSS int64         // bytes resident
}

// ProcessUsage reads /proc/PID/stat and status. A process that is gone is an error.
func ProcessUsage(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	cpu, err := parseStat(string(stat))
	if err != nil {
		return Usage{}, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, err
	}
	rss, err := statusKB(string(status), "VmRSS:")
	if err != nil {
		return Usage{}, fmt.Errorf("/proc/%d/status: %w", pid, err)
	}
	return Usage{cpu, rss << 10}, nil
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

// OwnCPU is the user and system time of this process.
func OwnCPU() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// userHZ is the unit of CPU times in /proc, ticks a second: 100 on every Linux that Go runs on.
const userHZ = 100
