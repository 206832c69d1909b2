package fanout

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRound is what a round costs each viewer besides the kernel: the user-mode share of a full pump. The
// processor's cache is emptied between rounds, as the kernel's sends do.
func BenchmarkRound(b *testing.B) {
	for _, agent := range []string{ffmpegAgent, curlAgent} {
		b.Run(fmt.Sprintf("viewers=4000/%.8s", agent), func(b *testing.B) { benchRound(b, agent) })
	}
}

func benchRound(b *testing.B, agent string) {
	const viewers, packets = 4000, 3
	r := newRig(b, nil)
	f := r.feeder(320)
	f.publish(1)
	for range viewers {
		r.watch(agent)
	}
	r.turn()
	r.hub.engine = swallow{}
	cold := make([]byte, 8<<20)
	var spent time.Duration
	for b.Loop() {
		f.publish(packets)
		for i := 0; i < len(cold); i += 64 {
			cold[i]++
		}
		start := time.Now()
		r.hub.round(r.at)
		spent += time.Since(start)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/viewers, "ns/viewer")
}

// swallow is an engine of sockets that take everything.
type swallow struct{}

func (swallow) Send(v *Viewer, b []byte, done Reporter) { done.Sent(v, len(b), 0) }
func (swallow) Flush()                                  {}
func (swallow) Writev(v *Viewer, bs [][]byte) (n int, errno syscall.Errno) {
	for _, b := range bs {
		n += len(b)
	}
	return n, 0
}
func (swallow) Close() {}
