package sock

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// RaiseFileLimit raises the limit of open files to its hard value and says whether need descriptors fit.
func RaiseFileLimit(need int) error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	lim.Cur = lim.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return os.NewSyscallError("setrlimit", err)
	}
	const own = 64 // epoll, listeners, pipes, the runtime's own
	if uint64(need+own) > lim.Max {
		return fmt.Errorf("%d viewers need %d descriptors, the hard limit is %d: raise it "+
			"(ulimit -Hn, limits.conf, LimitNOFILE= or docker --ulimit nofile) or use several load processes",
			need, need+own, lim.Max)
	}
	return nil
}
