//go:build faults

package handover

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// faultVariable is "STAGE:kill" or "STAGE:stop", or a file that says so when the stage is reached: "/path".
const faultVariable = "PUMPD_FAULT"

// Reach says that the program has come to a stage, and ends or stops it there if the fault says so.
func Reach(s Stage) {
	fault := os.Getenv(faultVariable)
	if strings.HasPrefix(fault, "/") {
		text, err := os.ReadFile(fault)
		if err != nil {
			return // no fault for now
		}
		fault = strings.TrimSpace(string(text))
	}
	stage, action, _ := strings.Cut(fault, ":")
	if stage != s.String() {
		return
	}
	signals := map[string]syscall.Signal{"kill": syscall.SIGKILL, "stop": syscall.SIGSTOP}
	sig, known := signals[action]
	if !known {
		panic(fmt.Sprintf("%s: %q, want STAGE:kill or STAGE:stop", faultVariable, fault))
	}
	_ = syscall.Kill(os.Getpid(), sig)
	if sig == syscall.SIGKILL {
		select {} // it comes when it comes
	}
}
