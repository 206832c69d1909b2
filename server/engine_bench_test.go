package server

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkEngine is what a round costs each engine: three packets with their prefixes to each of some hundred TCP
// sockets, which are emptied between rounds. ns/send and s/GB are this thread's CPU time inside the rounds alone.
func BenchmarkEngine(b *testing.B) {
	for _, packet := range []int{1400, 8000} {
		for _, name := range []string{"sendto", "io_uring"} {
			b.Run(fmt.Sprintf("3x%d/%s", packet, name), func(b *testing.B) {
				benchEngine(b, testEngine(b, name), 3*(packet+12))
			})
		}
	}
}

func benchEngine(b *testing.B, e engine, size int) {
	const n = 500
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	audience := make([]pair, n)
	for i := range audience {
		audience[i] = tcpPair(b)
	}
	segment := make([]byte, size)
	var count tally
	var spent time.Duration
	for b.Loop() {
		start := threadTime(b)
		for i := range audience {
			segment[locationOffset]++ // as a round does for each viewer
			e.send(audience[i].v, segment, &count)
		}
		e.flush()
		spent += threadTime(b) - start
		for i := range audience {
			audience[i].drop(b, size)
		}
	}
	if want := b.N * n * size; count.bytes != want {
		b.Fatalf("%d bytes were taken, want %d", count.bytes, want)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*n), "ns/send")
	b.ReportMetric(spent.Seconds()/float64(count.bytes)*1e9, "cpu-s/GB")
}

// threadTime is the CPU time that this thread has used.
func threadTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
