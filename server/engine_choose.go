package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// newEngines makes an engine for each of n loops, of the kind that server.engine asks for. "auto" takes io_uring, which
// is never slower, where a trial shows that it works, and says so where it does not: kernels before 5.19 lack what we
// need of it, and containers often forbid it.
func newEngines(setting string, n int, log *slog.Logger) ([]engine, error) {
	return chooseEngines(setting, n, log, func() (engine, error) { return newTriedURing(log) })
}

func chooseEngines(setting string, n int, log *slog.Logger, uring func() (engine, error)) ([]engine, error) {
	if setting != "sendto" {
		engines, err := several(n, uring)
		if err == nil {
			return engines, nil
		}
		if setting == "io_uring" {
			return nil, fmt.Errorf("server.engine: \"io_uring\" does not work here: %w", err)
		}
		log.Info("sends go through sendto, io_uring does not work here", "err", err)
	}
	return several(n, func() (engine, error) { return &sendto{}, nil })
}

// engineName is what an engine is called in the configuration.
func engineName(e engine) string {
	if _, ok := e.(*sendto); ok {
		return "sendto"
	}
	return "io_uring"
}

// several makes n engines or none.
func several(n int, one func() (engine, error)) ([]engine, error) {
	var engines []engine
	for range n {
		e, err := one()
		if err != nil {
			for _, e := range engines {
				e.close()
			}
			return nil, err
		}
		engines = append(engines, e)
	}
	return engines, nil
}

// newTriedURing makes an engine on a ring that has passed its trial.
func newTriedURing(log *slog.Logger) (engine, error) {
	u, err := newURing(log)
	if err != nil {
		return nil, err
	}
	if err := u.ring.try(); err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

// trial is what try sends. It is no variable of try's because the ring has its address only, and stacks move.
var trial = []byte("trial")

// try sends to a socket with room, to a full one and to one without a peer, and wants each send to be complete at once,
// as with sendto. Something that calls itself io_uring and waits would stop a loop for one viewer.
func (r *ring) try() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	near, far := pair[0], pair[1]
	defer unix.Close(near)
	err = r.tryPeer(near, far)
	unix.Close(far)
	if err != nil {
		return err
	}
	return r.trySend(near, -int(syscall.EPIPE))
}

func (r *ring) tryPeer(near, far int) error {
	if err := r.trySend(near, len(trial)); err != nil {
		return err
	}
	got := make([]byte, 2*len(trial))
	n, err := unix.Read(far, got)
	if err != nil {
		return fmt.Errorf("io_uring: nothing arrived: %w", err)
	}
	if !bytes.Equal(got[:n], trial) {
		return fmt.Errorf("io_uring: %q arrived, want %q", got[:n], trial)
	}
	for err := error(nil); err == nil; { // until it is full
		_, err = unix.Write(near, got)
	}
	return r.trySend(near, -int(syscall.EAGAIN))
}

// trySend sends trial and wants the result that a system call would have.
func (r *ring) trySend(fd, want int) error {
	r.add(sendOf(fd, address(&trial[0]), len(trial), 0))
	if _, errno := r.submit(); errno != 0 {
		return os.NewSyscallError("io_uring_enter", errno)
	}
	c, ok := r.poll()
	if !ok {
		return errors.New("io_uring: a send was not complete when the kernel had taken it")
	}
	if int(c.res) != want {
		return fmt.Errorf("io_uring: a send returned %d, want %d", c.res, want)
	}
	return nil
}
