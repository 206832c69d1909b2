package machine

import (
	"fmt"
	"os"
)

// Descriptors is how many a process has open. One that is gone is an error, and so is somebody else's.
func Descriptors(pid int) (int, error) {
	dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return len(names), err
}
