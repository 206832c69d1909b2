package link

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
)

// Ends are the two TUN devices of a link, one here and one in a namespace.
type Ends struct {
	Where
	HereEnd, ThereEnd io.ReadWriteCloser

	made bool // the namespace, by Open
}

// Where says where the ends of a link are.
type Where struct {
	Namespace   string // name, or path if it has a slash; a name that does not exist is made and removed
	Device      string // name of both devices
	Here, There netip.Prefix
}

// named fills in what was left empty, with the process id as a part of the names.
func (w Where) named() Where {
	if w.Namespace == "" {
		w.Namespace = fmt.Sprint(madePrefix, os.Getpid())
	}
	if w.Device == "" {
		w.Device = fmt.Sprint("link", os.Getpid())
	}
	return w
}

// Open makes the devices and, unless it is there, the namespace. Close removes what it made.
func Open(w Where) (*Ends, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("needs root, for TUN devices and a network namespace")
	}
	if err := inUse(w.Here.Addr().String()); err != nil {
		return nil, err
	}
	sweep()
	e := &Ends{Where: w.named()}
	if err := e.open(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Ends) open() (err error) {
	if e.made, err = makeNamespace(e.Namespace); err != nil {
		return err
	}
	if e.HereEnd, err = openTUN(e.Device); err != nil {
		return err
	}
	if err := e.set(e.Here); err != nil {
		return err
	}
	return inside(namespacePath(e.Namespace), func() (err error) {
		if e.ThereEnd, err = openTUN(e.Device); err != nil {
			return err
		}
		if err := e.set(e.There); err != nil || !e.made {
			return err
		}
		if err := ip("link", "set", "lo", "up"); err != nil {
			return err
		}
		return ip("route", "add", "default", "dev", e.Device)
	})
}

// set gives a device its address. Nothing passes that nobody sent: the kernel would announce addresses of its own. The
// queue of the device itself is long enough to never drop, for it does not tell.
func (e *Ends) set(addr netip.Prefix) error {
	if err := ip("link", "set", e.Device, "txqueuelen", "10000", "addrgenmode", "none"); err != nil {
		return err
	}
	if err := ip("addr", "add", addr.String(), "dev", e.Device); err != nil {
		return err
	}
	return ip("link", "set", e.Device, "up")
}

// Close removes the devices and the namespace, if Open made it.
func (e *Ends) Close() error {
	for _, end := range []io.Closer{e.HereEnd, e.ThereEnd} {
		if end != nil {
			end.Close()
		}
	}
	if !e.made {
		return nil
	}
	return ip("netns", "del", e.Namespace)
}
