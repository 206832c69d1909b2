package main

import (
	"context"
	"io"
	"time"
)

// drainSockets connects n sockets to addr, which is on loopback, and drains them until ctx is done while they connect, or
// until end of file on until. pause is between two looks at what is ready.
func drainSockets(ctx context.Context, addr string, n int, pause time.Duration, until io.Reader) error {
	opt := loadOptions{urls: []string{"http://" + addr + "/"}, viewers: n, sample: "0", ramp: 5000, drain: pause}
	opt.bare, opt.sources, opt.patience = true, 8, 15*time.Second
	l, err := newLoad(opt, io.Discard)
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
