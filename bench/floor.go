package main

import (
	"context"
	"fmt"
	"pumpd/codec"
	"time"

	"golang.org/x/sys/unix"
)

// floorOptions is the command line of bench floor.
type floorOptions struct {
	viewers  int
	bitrate  int           // bit/s of packets
	packet   int           // bytes
	merge    time.Duration // 0: each packet as it comes
	duration time.Duration
	threads  int
	drain    time.Duration // the draining child's pause, as in bench load
}

// floorResult is what bare sending took.
type floorResult struct {
	Seconds      float64 `json:"seconds"`
	Bytes        int64   `json:"bytes"`
	Sends        int64   `json:"sends"`
	Short        int64   `json:"short_sends"` // the socket did not take all: the figure is then too low
	CPUSeconds   float64 `json:"cpu_seconds"`
	SecondsPerGB float64 `json:"cpu_seconds_per_gb"`
	MicrosASend  float64 `json:"cpu_us_per_send"`
	Others       float64 `json:"others_busy"` // share of the machine that neither sender nor drain used
}

// check refuses what cannot be measured.
func (o *floorOptions) check() error {
	if o.viewers < 1 || o.bitrate < 1 || o.packet < 1 || o.packet > codec.MaxPayload || o.threads < 1 || o.merge < 0 || o.duration <= 0 {
		return fmt.Errorf("n %d, bitrate %d, packet %d (at most %d), merge %s, threads %d, duration %s: out of range",
			o.viewers, o.bitrate, o.packet, codec.MaxPayload, o.merge, o.threads, o.duration)
	}
	return raiseFiles(o.viewers)
}

// interval is the time between two rounds of sends.
func (o *floorOptions) interval() time.Duration {
	if o.merge > 0 {
		return o.merge
	}
	return time.Duration(float64(time.Second) * float64(o.packet) * 8 / float64(o.bitrate))
}

// dueAt is how many packets have been due after so long.
func (o *floorOptions) dueAt(d time.Duration) int {
	return int(d.Seconds()*float64(o.bitrate)/8/float64(o.packet) + 1e-6)
}

// measureFloor runs the sender against a draining child.
func measureFloor(ctx context.Context, opt floorOptions) (*floorResult, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	ln, port, err := listenRaw()
	if err != nil {
		return nil, err
	}
	defer unix.Close(ln)
	child, err := startSink(port, opt.viewers, opt.drain)
	if err != nil {
		return nil, err
	}
	defer child.stop()
	fds, err := acceptAll(ln, opt.viewers)
	defer func() {
		for _, fd := range fds {
			hangUp(fd)
		}
	}()
	if err != nil {
		return nil, err
	}
	return measureSends(ctx, opt, fds, child.cmd.Process.Pid)
}

// measureSends adds to what sendAll finds how busy the machine was with other things.
func measureSends(ctx context.Context, opt floorOptions, fds []int, child int) (*floorResult, error) {
	drained, err := processUsage(child)
	if err != nil {
		return nil, err
	}
	busy, total, err := machineTicks()
	if err != nil {
		return nil, err
	}
	r, err := sendAll(ctx, opt, fds)
	if err != nil {
		return nil, err
	}
	after, err := processUsage(child)
	if err != nil {
		return nil, err
	}
	busy2, total2, err := machineTicks()
	if err != nil {
		return nil, err
	}
	known := after.cpu - drained.cpu + time.Duration(r.CPUSeconds*float64(time.Second))
	r.Others = othersShare(busy2-busy, total2-total, known)
	return r, nil
}
