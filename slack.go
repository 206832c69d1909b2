package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// timerSlack is how late the kernel may wake a thread of ours. At the usual 50 µs Go's monitor thread, which the event
// loops' waiting keeps busy, takes a fifth of the CPU time of a full pump, at 1 ms 6 to 9 %, at 5 ms 2 to 4 %. A round
// that is 5 ms late is nothing to a viewer.
const timerSlack = 5 * time.Millisecond

// relaxTimers gives the process its timer slack. Threads have it from the thread that made them and a new program has
// it from the old one, and the monitor is made before us; so the program starts itself once more. Where that cannot be,
// it goes on as it is.
func relaxTimers() {
	runtime.LockOSThread() // the slack is the thread's until exec
	defer runtime.UnlockOSThread()
	slack, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_TIMERSLACK, 0, 0)
	if errno != 0 || time.Duration(slack) >= timerSlack {
		return
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_TIMERSLACK, uintptr(timerSlack),
		0); errno != 0 {
		return
	}
	startAgain()
}

// startAgain runs the program anew in the same process, from the calling thread. It returns only if that failed.
func startAgain() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	_ = syscall.Exec(self, os.Args, os.Environ())
}
