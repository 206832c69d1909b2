package load

import (
	"context"
	"io"
	"time"
)

// DrainSockets connects n sockets to addr, which is on loopback, and drains them until ctx is done while they connect,
// or until end of file on until. pause is between two looks at what is ready.
func DrainSockets(ctx context.Context, addr string, n int, pause time.Duration, until io.Reader) error {
	opt := Options{URLs: []string{"http://" + addr + "/"}, Viewers: n, Sample: "0", Ramp: 5000, Drain: pause}
	opt.Bare, opt.Sources, opt.Patience = true, 8, 15*time.Second
	l, err := newRun(opt, io.Discard)
	if err != nil {
		return err
	}
	if err := l.startWorkers(); err != nil {
		return err
	}
	l.rampUp(ctx)
	io.Copy(io.Discard, until)
	l.halt()
	return nil
}
