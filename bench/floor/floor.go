package floor

import (
	"pumpd/bench/machine"
	"pumpd/bench/sock"
)

import (
	"context"
	"fmt"
	"pumpd/codec"
	"time"

	"golang.org/x/sys/unix"
)

// Options is the command line of bench floor.
type Options struct {
	Viewers  int
	Bitrate  int           // bit/s of packets
	Packet   int           // bytes
	Merge    time.Duration // 0: each packet as it comes
	Duration time.Duration
	Threads  int
	Drain    time.Duration // the draining child's pause, as in bench load
}

// Result is what bare sending took.
type Result struct {
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
func (o *Options) check() error {
	if o.Viewers < 1 || o.Bitrate < 1 || o.Packet < 1 || o.Packet > codec.MaxPayload || o.Threads < 1 || o.Merge < 0 ||
		o.Duration <= 0 {
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

// Measure runs the sender against a draining child.
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
	r.Others = machine.Others(busy2-busy, total2-total, known)
	return r, nil
}
