package attack

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Attackers come from several addresses, none of which is an honest viewer's.
func TestDialFromElsewhere(t *testing.T) {
	told := make(chan string, 2)
	addr := serve(t, func(conn net.Conn) { told <- conn.RemoteAddr().String() })
	var log Log
	from := map[string]bool{}
	for range 2 {
		conn, err := dial(t.Context(), addr, 0, &log)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		host, _, _ := net.SplitHostPort(next(t, told))
		from[host] = true
		if !strings.HasPrefix(host, "127.0.1.") {
			t.Errorf("from %s", host)
		}
	}
	if len(from) != 2 || log.Deeds().Connections != 2 {
		t.Errorf("from %v, %d connections", from, log.Deeds().Connections)
	}
}

func TestPace(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var n, now, most atomic.Int64
	begin := time.Now()
	pace(ctx, 200, 3, func() {
		n.Add(1)
		most.Store(max(most.Load(), now.Add(1)))
		wait(ctx, 5*time.Millisecond)
		now.Add(-1)
	})
	took := time.Since(begin) // longer than it should where the machine has much to do
	if n.Load() == 0 || float64(n.Load()) > 200*took.Seconds()+5 || most.Load() > 3 || now.Load() != 0 {
		t.Errorf("%d in %v, %d at once, %d left", n.Load(), took, most.Load(), now.Load())
	}
}

// An attack goes on while nobody is there.
func TestKeepTriesAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	var log Log
	addr := freeAddress(t)
	over := make(chan struct{})
	go func() {
		defer close(over)
		keep(ctx, 1, addr, 0, &log, func(*net.TCPConn) error { return nil })
	}()
	for ctx.Err() == nil && log.Deeds().Answers["connection refused"] < 2 {
		wait(ctx, retryPause)
	}
	cancel()
	<-over
	if deeds := log.Deeds(); deeds.Connections != 0 || deeds.Answers["connection refused"] < 2 {
		t.Errorf("deeds %+v", deeds)
	}
}
