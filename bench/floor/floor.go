// Package floor measures what the kernel alone takes to send a stream to many sockets: the limit of a machine.
package floor

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/machine"
	"pumpd/bench/sock"
	"pumpd/codec"
)

// Options describe one measurement.
type Options struct {
	Viewers  int           // sockets
	Bitrate  int           // bit/s of packets
	Packet   int           // bytes, without the 12 that MMSH puts in front
	Merge    time.Duration // one send per socket in this time; 0: each packet as it comes
	Duration time.Duration
	Threads  int           // that send
	Drain    time.Duration // pause of the draining child between two looks at its sockets
}

// Result is what bare sending took.
type Result struct {
	Seconds      float64
	Bytes        int64
	Sends        int64
	Short        int64 // the socket did not take all: the figure is then too low
	CPUSeconds   float64
	SecondsPerGB float64
	MicrosASend  float64
	Others       float64 // share of the machine that neither sender nor drain used
}

// check refuses what cannot be measured.
func (o *Options) check() error {
	if o.Viewers < 1 || o.Bitrate < 1 || o.Packet < 1 || o.Packet > codec.MaxPayload || o.Threads < 1 ||
		o.Merge < 0 || o.Duration <= 0 {
		return fmt.Errorf("n %d, bitrate %d, packet %d (at most %d), merge %s, threads %d, duration %s: out of range",
			o.Viewers, o.Bitrate, o.Packet, codec.MaxPayload, o.Merge, o.Threads, o.Duration)
	}
	return sock.RaiseFileLimit(o.Viewers)
}

// interval is the time between two rounds of sends.
func (o *Options) interval() time.Duration {
	if o.Merge > 0 {
		return o.Merge
	}
	return time.Duration(float64(time.Second) * float64(o.Packet) * 8 / float64(o.Bitrate))
}

// dueAt is how many packets have been due after so long.
func (o *Options) dueAt(d time.Duration) int {
	return int(d.Seconds()*float64(o.Bitrate)/8/float64(o.Packet) + 1e-6)
}

// Measure sends for opt.Duration, or until ctx is done, to sockets that a child process drains: this program, started
// again with SinkCommand. It is an error if the machine has too few descriptors, or nothing could be sent.
func Measure(ctx context.Context, opt Options) (*Result, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	ln, port, err := listenRaw()
	if err != nil {
		return nil, err
	}
	defer unix.Close(ln)
	child, err := startSink(port, opt.Viewers, opt.Drain)
	if err != nil {
		return nil, err
	}
	defer child.stop()
	fds, err := acceptAll(ln, opt.Viewers)
	defer func() {
		for _, fd := range fds {
			sock.HangUp(fd)
		}
	}()
	if err != nil {
		return nil, err
	}
	return measureSends(ctx, opt, fds, child.cmd.Process.Pid)
}

// measureSends adds to what sendAll finds how busy the machine was with other things.
func measureSends(ctx context.Context, opt Options, fds []int, child int) (*Result, error) {
	drained, err := machine.ProcessUsage(child)
	if err != nil {
		return nil, err
	}
	busy, total, err := machine.Ticks()
	if err != nil {
		return nil, err
	}
	r, err := sendAll(ctx, opt, fds)
	if err != nil {
		return nil, err
	}
	after, err := machine.ProcessUsage(child)
	if err != nil {
		return nil, err
	}
	busy2, total2, err := machine.Ticks()
	if err != nil {
		return nil, err
	}
	known := after.CPU - drained.CPU + time.Duration(r.CPUSeconds*float64(time.Second))
	r.Others = machine.OthersShare(busy2-busy, total2-total, known)
	return r, nil
}
