//go:build faults

package handover

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// faultVariable is "STAGE:kill" or "STAGE:stop", or a file that says so when the stage is reached: "/path".
const faultVariable = "PUMPD_FAULT"

// otherVersion is set by the linker in a program that is to understand nothing of what others hand over.
var otherVersion string

// faulty is a version, or one that there is not.
func faulty(version int) int {
	if otherVersion != "" {
		return -version
	}
	return version
}

// fault ends or stops the program at a stage if the environment says so.
func fault(s Stage) {
	wanted := os.Getenv(faultVariable)
	if strings.HasPrefix(wanted, "/") {
		text, err := os.ReadFile(wanted)
		if err != nil {
			return // none for now
		}
		wanted = strings.TrimSpace(string(text))
	}
	stage, action, _ := strings.Cut(wanted, ":")
	if stage != s.String() {
		return
	}
	signals := map[string]syscall.Signal{"kill": syscall.SIGKILL, "stop": syscall.SIGSTOP}
	sig, known := signals[action]
	if !known {
		panic(fmt.Sprintf("%s: %q, want STAGE:kill or STAGE:stop", faultVariable, wanted))
	}
	// To this thread, which does not return from the call before it has had it: to the process as a whole it might come
	// when the next stage is reached.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Tgkill(os.Getpid(), syscall.Gettid(), sig)
}
