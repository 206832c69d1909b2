package link

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// openTUN makes a TUN device in the network namespace of this thread. It is gone when the file is closed, also when the
// process is killed. A Read or Write is one IP packet.
func openTUN(name string) (io.ReadWriteCloser, error) {
	const path = "/dev/net/tun"
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("TUN device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), path), nil // only now: before, it could not be waited for
}
