package floor

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/machine"
	"pumpd/bench/sock"
	"pumpd/codec"
)

// sendAll sends from -threads threads and adds up what it took.
func sendAll(ctx context.Context, opt Options, fds []int) (*Result, error) {
	parts := make([]Result, opt.Threads)
	cpu, start := machine.OwnCPU(), time.Now()
	var wait sync.WaitGroup
	for i := range parts {
		wait.Go(func() {
			parts[i] = sendLoop(ctx, opt, start, fds[i*len(fds)/opt.Threads:(i+1)*len(fds)/opt.Threads])
		})
	}
	wait.Wait()
	r := &Result{Seconds: time.Since(start).Seconds(), CPUSeconds: (machine.OwnCPU() - cpu).Seconds()}
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
func sendLoop(ctx context.Context, opt Options, start time.Time, fds []int) Result {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const most = 64 << 10
	unit := opt.Packet + codec.PrefixLen
	segment := make([]byte, max(most, unit)/unit*unit)
	for i := range segment {
		segment[i] = byte(rand.Uint32())
	}
	var r Result
	sent := 0
	for round := 1; ctx.Err() == nil; round++ {
		at := time.Duration(round) * opt.interval()
		if at > opt.Duration {
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
func (r *Result) sendRound(fds []int, b []byte) {
	for _, fd := range fds {
		n, err := sock.Transmit(fd, b)
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
