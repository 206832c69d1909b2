package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"pumpd/bench/floor"
	"pumpd/bench/machine"
)

const floorAbout = "" +
	`Measures what the kernel alone takes: a bare loop of send(2) that gives -n connected loopback sockets the bytes of
a stream of -bitrate in packets of -packet bytes, everything that is due once in -merge, with no protocol around it.
A child process drains the sockets, so only the sender's CPU time counts.`

// runFloor is bench floor.
func runFloor(ctx context.Context, args []string, out io.Writer) error {
	var opt floor.Options
	fs := newFlags("floor", "", floorAbout)
	fs.IntVar(&opt.Viewers, "n", 2000, "sockets")
	rate := quantityVar(fs, "bitrate", 300e3, "`bit/s` of the stream's packets")
	fs.IntVar(&opt.Packet, "packet", 1400, "`bytes` of a packet; 12 more are sent with each, as MMSH does")
	fs.DurationVar(&opt.Merge, "merge", 100*time.Millisecond, "one send per socket in this time; 0: one for each packet")
	fs.DurationVar(&opt.Duration, "duration", 10*time.Second, "length of the measurement")
	fs.IntVar(&opt.Threads, "threads", 1, "sending threads")
	fs.DurationVar(&opt.Drain, "drain", 2*time.Millisecond, "pause of the draining side between two looks at its sockets")
	if _, err := parseFlags(fs, args, 0, 0); err != nil {
		return err
	}
	opt.Bitrate = int(*rate)
	r, err := floor.Measure(ctx, opt)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sockets, %.1f Mbit/s: %.2f s/GB, %.2f µs/send "+
		"(%d sends of %.0f bytes, %d short, %.2f CPU s in %.1f s)\n",
		opt.Viewers, float64(r.Bytes)*8/r.Seconds/1e6, r.SecondsPerGB, r.MicrosASend,
		r.Sends, float64(r.Bytes)/float64(r.Sends), r.Short, r.CPUSeconds, r.Seconds)
	fmt.Fprintf(out, "\ngoos: %s\ngoarch: %s\ncpu: %s\nBenchmarkFloor/n=%d-%d %d %.0f ns/op %.3f cpu-s/GB\n",
		runtime.GOOS, runtime.GOARCH, machine.CPUModel(), opt.Viewers, runtime.NumCPU(),
		r.Sends, r.MicrosASend*1000, r.SecondsPerGB)
	return nil
}
