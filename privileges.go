package main

import (
	"runtime"

	"pumpd/server/config"
	"pumpd/server/handover"
	"pumpd/server/privileges"
)

// barPrivileges sees to it that a pump that gives root's privileges up gets none again, whatever it runs. That is a
// promise of each thread, and only those keep it that are made later; so the program starts itself once more. Where
// that cannot be, it goes on as it is, and says so when it has become the user.
func barPrivileges(cfg *config.Server, before *handover.Conn) {
	if cfg.User == "" || !privileges.IsRoot() || privileges.Barred() {
		return
	}
	runtime.LockOSThread() // the promise is the thread's until exec
	defer runtime.UnlockOSThread()
	if privileges.Bar() != nil {
		return
	}
	if before != nil && before.Keep() != nil {
		return
	}
	startAgain()
}
