package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const floorAbout = `Measures what the kernel alone takes: a bare loop of send(2) that gives -n connected loopback sockets the bytes of
a stream of -bitrate in packets of -packet bytes, everything that is due once in -merge, with no protocol around it.
A child process drains the sockets, so only the sender's CPU time counts.`

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

// runFloor is bench floor.
func runFloor(ctx context.Context, args []string, out io.Writer) error {
	var opt floorOptions
	fs := newFlags("floor", "", floorAbout)
	fs.IntVar(&opt.viewers, "n", 2000, "sockets")
	rate := quantityVar(fs, "bitrate", 300e3, "`bit/s` of the stream's packets")
	fs.IntVar(&opt.packet, "packet", 1400, "`bytes` of a packet; 12 more are sent with each, as MMSH does")
	fs.DurationVar(&opt.merge, "merge", 100*time.Millisecond, "one send per socket in this time; 0: one for each packet")
	fs.DurationVar(&opt.duration, "duration", 10*time.Second, "length of the measurement")
	fs.IntVar(&opt.threads, "threads", 1, "sending threads")
	fs.DurationVar(&opt.drain, "drain", 2*time.Millisecond, "pause of the draining side between two looks at its sockets")
	if _, err := parseFlags(fs, args, 0, 0); err != nil {
		return err
	}
	opt.bitrate = int(*rate)
	r, err := measureFloor(ctx, opt)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sockets, %.1f Mbit/s: %.2f s/GB, %.2f µs/send (%d sends of %.0f bytes, %d short, %.2f CPU s in %.1f s)\n",
		opt.viewers, float64(r.Bytes)*8/r.Seconds/1e6, r.SecondsPerGB, r.MicrosASend, r.Sends, float64(r.Bytes)/float64(r.Sends), r.Short, r.CPUSeconds, r.Seconds)
	fmt.Fprintf(out, "\ngoos: %s\ngoarch: %s\ncpu: %s\nBenchmarkFloor/n=%d-%d %d %.0f ns/op %.3f cpu-s/GB\n",
		runtime.GOOS, runtime.GOARCH, cpuModel(), opt.viewers, runtime.NumCPU(), r.Sends, r.MicrosASend*1000, r.SecondsPerGB)
	return nil
}

// check refuses what cannot be measured.
func (o *floorOptions) check() error {
	if o.viewers < 1 || o.bitrate < 1 || o.packet < 1 || o.packet > maxInFrame || o.threads < 1 || o.merge < 0 || o.duration <= 0 {
		return fmt.Errorf("n %d, bitrate %d, packet %d (at most %d), merge %s, threads %d, duration %s: out of range",
			o.viewers, o.bitrate, o.packet, maxInFrame, o.merge, o.threads, o.duration)
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

// listenRaw listens on a loopback port with a descriptor that Go's poller knows nothing of.
func listenRaw() (fd, port int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, 0, err
	}
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		err = unix.Listen(fd, unix.SOMAXCONN)
	}
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
	}
	if err != nil {
		unix.Close(fd)
		return -1, 0, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return -1, 0, err
	}
	return fd, name.(*unix.SockaddrInet4).Port, nil
}

// acceptAll takes n connections and returns what it has when one does not come in time.
func acceptAll(ln, n int) ([]int, error) {
	var fds []int
	for len(fds) < n {
		fd, _, err := unix.Accept4(ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fds, fmt.Errorf("accepted %d of %d connections: %w", len(fds), n, err)
		}
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		fds = append(fds, fd)
	}
	return fds, nil
}

// sendAll sends from -threads threads and adds up what it took.
func sendAll(ctx context.Context, opt floorOptions, fds []int) (*floorResult, error) {
	parts := make([]floorResult, opt.threads)
	cpu, start := ownCPU(), time.Now()
	var wait sync.WaitGroup
	for i := range parts {
		wait.Go(func() {
			parts[i] = sendLoop(ctx, opt, start, fds[i*len(fds)/opt.threads:(i+1)*len(fds)/opt.threads])
		})
	}
	wait.Wait()
	r := &floorResult{Seconds: time.Since(start).Seconds(), CPUSeconds: (ownCPU() - cpu).Seconds()}
	for _, p := range parts {
		r.Bytes += p.Bytes
		r.Sends += p.Sends
		r.Short += p.Short
	}
	if r.Sends == 0 || r.Bytes == 0 {
		return nil, errors.New("nothing was sent")
	}
	r.SecondsPerGB = r.CPUSeconds / (float64(r.Bytes) / 1e9)
	r.MicrosASend = r.CPUSeconds * 1e6 / float64(r.Sends)
	return r, nil
}

// sendLoop sends whole packets to each socket, all that are due, once in an interval.
func sendLoop(ctx context.Context, opt floorOptions, start time.Time, fds []int) floorResult {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const most = 64 << 10
	unit := opt.packet + dataHead
	segment := make([]byte, max(most, unit)/unit*unit)
	for i := range segment {
		segment[i] = byte(rand.Uint32())
	}
	var r floorResult
	sent := 0
	for round := 1; ctx.Err() == nil; round++ {
		at := time.Duration(round) * opt.interval()
		if at > opt.duration {
			break
		}
		sleepUntil(start.Add(at))
		for due := opt.dueAt(at); sent < due; {
			n := min(due-sent, len(segment)/unit)
			r.sendRound(fds, segment[:n*unit])
			sent += n
		}
	}
	return r
}

// sendRound gives every socket the same bytes.
func (r *floorResult) sendRound(fds []int, b []byte) {
	for _, fd := range fds {
		n, err := transmit(fd, b)
		if err != nil || n < len(b) {
			r.Short++
		}
		r.Bytes += int64(n)
	}
	r.Sends += int64(len(fds))
}

// sleepUntil sleeps in the kernel: the thread is locked, and Go's timers would cost it a hand-over.
func sleepUntil(at time.Time) {
	d := time.Until(at)
	if d <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(d))
	unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}
