package fanout

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/clock"
)

// BenchmarkEngine is what a round costs each engine: three packets with their prefixes to each of some hundred TCP
// sockets, which are emptied between rounds. cpu-ns/send and cpu-s/GB are this thread's time inside the rounds.
func BenchmarkEngine(b *testing.B) {
	for _, payload := range []int{1400, 8000} {
		for _, name := range engineNames {
			b.Run(fmt.Sprintf("3x%d/%s", payload, name), func(b *testing.B) { benchEngine(b, testEngine(b, name), payload) })
		}
	}
}

func benchEngine(b *testing.B, e Engine, payload int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	lines := tcpLines(b, 500)
	segment, ends := framesOf(repeated(3, payload))
	sink := make([]byte, len(segment))
	var count sentCount
	var spent time.Duration
	for b.Loop() {
		start := clock.ThreadTime()
		for _, l := range lines {
			for _, end := range ends { // as a round patches it
				segment[end-payload-1]++
			}
			e.Send(l.v, segment, &count)
		}
		e.Flush()
		spent += clock.ThreadTime() - start
		for _, l := range lines {
			for n := 0; n < len(segment); {
				k, err := unix.Read(l.far, sink)
				if err == unix.EAGAIN {
					wait(b, l.far, unix.POLLIN)
					continue
				}
				if err != nil || k == 0 {
					b.Fatalf("read %d, %v", k, err)
				}
				n += k
			}
		}
	}
	sends := b.N * len(lines)
	if count.bytes != sends*len(segment) {
		b.Fatalf("%d bytes were taken, want %d", count.bytes, sends*len(segment))
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(sends), "cpu-ns/send")
	b.ReportMetric(spent.Seconds()/float64(count.bytes)*1e9, "cpu-s/GB")
}
