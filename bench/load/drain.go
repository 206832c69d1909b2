package load

import (
	"context"
	"io"
	"time"
)

// DrainSockets connects n sockets to addr, a port on loopback, and drains them until the end of stop. ctx ends only the
// connecting. pause is between two looks at what is ready.
func DrainSockets(ctx context.Context, addr string, n int, pause time.Duration, stop io.Reader) error {
	opt := Options{URLs: []string{"http://" + addr + "/"}, Viewers: n, Sample: "0", Ramp: 5000, Drain: pause}
	opt.Bare, opt.Sources, opt.Patience = true, 8, 15*time.Second
	r, err := newRun(opt, io.Discard)
	if err != nil {
		return err
	}
	if err := r.startWorkers(); err != nil {
		return err
	}
	r.rampUp(ctx)
	io.Copy(io.Discard, stop)
	r.halt()
	return nil
}
