package attack

import (
	"errors"
	"maps"
	"net"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Deeds are what an attack did and what it got for it.
type Deeds struct {
	Connections int64            // that were made
	Requests    int64            // that were sent, hellos as well
	Answers     map[string]int64 // by status, and by how connections ended
	CPU         float64          // seconds, of the attacker
	Seconds     float64          // that it took
}

// rate is requests a second.
func (d *Deeds) rate() float64 {
	if d.Seconds == 0 {
		return 0
	}
	return float64(d.Requests) / d.Seconds
}

// A Log collects Deeds. Safe from any goroutine; the zero value is ready.
type Log struct {
	begun func() // called with each connection; nil: nobody waits for the first one

	mu    sync.Mutex
	deeds Deeds
}

func (l *Log) connected() {
	l.add(1, 0, "")
	if l.begun != nil {
		l.begun()
	}
}

func (l *Log) sent(n int) { l.add(0, n, "") }

func (l *Log) answered(status int) { l.add(0, 0, strconv.Itoa(status)) }

// ended tells how a connection ended that the attack did not close itself.
func (l *Log) ended(err error) { l.add(0, 0, endOf(err)) }

func (l *Log) add(connections, requests int, answer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deeds.Connections += int64(connections)
	l.deeds.Requests += int64(requests)
	if answer != "" {
		if l.deeds.Answers == nil {
			l.deeds.Answers = map[string]int64{}
		}
		l.deeds.Answers[answer]++
	}
}

// Deeds are those so far.
func (l *Log) Deeds() Deeds {
	l.mu.Lock()
	defer l.mu.Unlock()
	deeds := l.deeds
	deeds.Answers = maps.Clone(deeds.Answers)
	return deeds
}

// endOf is an error in a word or two.
func endOf(err error) string {
	var e unix.Errno
	var n net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout():
		return "timeout"
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return "reset"
	case errors.As(err, &e):
		return e.Error()
	}
	return "closed"
}
