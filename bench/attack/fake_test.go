package attack

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	testTimeout = 30 * time.Second       // for what must come, on a machine that has much to do
	silent      = 200 * time.Millisecond // nothing comes any more
)

// heard is what comes on a connection: at least so many bytes, however long they take, and what comes behind them until
// it is silent; ended: it is not only silent.
func heard(conn net.Conn, least int) (said []byte, ended bool) {
	said = make([]byte, least)
	conn.SetReadDeadline(time.Now().Add(testTimeout))
	n, err := io.ReadFull(conn, said)
	if err != nil {
		return said[:n], true
	}
	conn.SetReadDeadline(time.Now().Add(silent))
	more, err := io.ReadAll(conn)
	late, ok := err.(net.Error)
	return append(said, more...), !ok || !late.Timeout()
}

// serve gives each connection to handle, and closes all when the test is over.
func serve(t *testing.T, handle func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	stop := make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		ln.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				over := make(chan struct{})
				defer close(over)
				go func() {
					select {
					case <-stop:
					case <-over:
					}
					conn.Close()
				}()
				handle(conn)
			})
		}
	})
	return ln.Addr().String()
}

// victimAt is somebody to attack a little.
func victimAt(addr string, scale float64) Victim {
	return Victim{Plain: addr, Secure: addr, Path: "/streams/bench", Scale: scale}
}

// launch attacks until it is stopped, which gives the deeds.
func launch(t *testing.T, kind Kind, v Victim) (stop func() Deeds) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan Deeds)
	go func() {
		deeds, err := commit(ctx, kind, v, nil)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
		done <- deeds
	}()
	return func() Deeds {
		cancel()
		return <-done
	}
}

// next is what a server has found, or the end of the test.
func next[T any](t *testing.T, from <-chan T) (found T) {
	t.Helper()
	select {
	case found = <-from:
	case <-time.After(testTimeout):
		t.Fatal("nothing came")
	}
	return found
}

// tell passes something on unless nobody wants more.
func tell[T any](to chan<- T, what T) {
	select {
	case to <- what:
	default:
	}
}

// refuse reads requests and answers each with status 404. Each is told.
func refuse(told chan<- *http.Request) func(net.Conn) {
	return func(conn net.Conn) {
		for r := bufio.NewReader(conn); ; {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, request.Body)
			tell(told, request)
			if _, err := io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"); err != nil {
				return
			}
		}
	}
}
