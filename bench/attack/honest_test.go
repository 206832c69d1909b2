package attack

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"pumpd/bench/source"
	"pumpd/bench/upstream"
	"pumpd/bench/viewers"
)

// serveStream is a stream with probes until the test is over; it gives a URL.
func serveStream(t *testing.T) string {
	t.Helper()
	src, err := source.NewSynthetic(source.Options{
		Bitrate: 1e6, Packet: 1000, GOP: 100 * time.Millisecond, Payloads: 1, Ballast: 5000,
	})
	if err != nil {
		t.Fatal(err)
	}
	up, err := upstream.Listen("127.0.0.1:0", src.Header())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- up.Run(ctx, src, 0) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "mmsh://" + up.Addr() + "/x"
}

func TestMeasure(t *testing.T) {
	t.Parallel() // most of it is waiting
	url := serveStream(t)
	e := &experiment{url: url, door: url, pid: os.Getpid(), opt: Options{Newcomers: 20, Window: time.Second}}
	var err error
	if e.honest, err = newCrowd(url); err != nil {
		t.Fatal(err)
	}
	if err := e.honest.join(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	var found viewers.Results
	p, err := e.measure(t.Context(), &found)
	e.honest.halt()
	if err != nil {
		t.Fatal(err)
	}
	if p.Latency == nil || p.Joins == nil || p.Came < 2 || int(p.Joins.Count) != p.Came || p.Without+int(p.Lost) != 0 {
		t.Errorf("%+v", p)
	}
	if p.Peak.RSS < 1<<20 || p.Peak.Descriptors < 6 || p.rate() == 0 {
		t.Errorf("%+v", p)
	}
	crowd := e.honest.found()
	found.Merge(&crowd)
	if len(found.Faults.ByName()) > 0 || found.Sampled != int64(6+p.Came) || !found.Stamped {
		t.Errorf("%d checked, %d newcomers: %v", found.Sampled, p.Came, found.Faults.First)
	}
}

// A newcomer that never has a byte counts, and one that is refused does.
func TestNewcomersWithout(t *testing.T) {
	t.Parallel() // most of it is waiting
	addr := serve(t, func(conn net.Conn) { io.WriteString(conn, "HTTP/1.0 503 Full\r\n\r\n") })
	c, err := newCrowd("mmsh://" + addr + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer c.halt()
	c.newcomer()
	c.settled(t.Context())
	if c.started != 1 || c.joins() != 0 || c.worker.Totals().Refused != 1 {
		t.Errorf("%d started, %d joined, %+v", c.started, c.joins(), c.worker.Totals())
	}
	if err := c.join(t.Context(), 2); err == nil || !strings.Contains(err.Error(), "0 of 2") {
		t.Errorf("join: %v", err)
	}
}
