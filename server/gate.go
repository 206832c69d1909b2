package server

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A gate keeps the number of connections below the descriptor limit: running out of descriptors in accept would stop
// gnet's engine, and with it every viewer. gnet accepts on a thread of its own before we are asked, so there is a
// reserve for connections that are accepted and not yet refused, and near the limit the listeners' queues are made
// short, so that the reserve cannot be used up by one burst.
type gate struct {
	// Set by newGate and while booting, never changed.
	most      int64 // connections
	near      int64 // from here on queues are short
	listeners []int
	log       *slog.Logger

	// Any goroutine.
	inside  atomic.Int64
	refused atomic.Uint64
	narrow  atomic.Bool
}

const (
	longQueue  = 1024
	shortQueue = 8
)

// reserveOf says how many descriptors are not for connections: our own files, pulls and admin, and the accepted that
// are not yet counted.
func reserveOf(limit int64) int64 { return min(limit/2, max(limit/8, 256), 1500) }

// newGate raises the descriptor limit as far as it goes. asked is the configured number of connections, 0 for as many
// as fit.
func newGate(asked int, log *slog.Logger) (*gate, error) {
	limit, err := raiseDescriptors()
	if err != nil {
		return nil, err
	}
	most := limit - reserveOf(limit)
	if asked > 0 {
		if int64(asked) > most {
			return nil, fmt.Errorf("max_connections: %d, but %d descriptors allow %d; raise the hard limit (ulimit -Hn)", asked, limit, most)
		}
		most = int64(asked)
	}
	return &gate{most: most, near: most - most/8, log: log}, nil
}

func raiseDescriptors() (limit int64, err error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("getrlimit: %w", err)
	}
	const enough = 1 << 20 // "unlimited" is not a number to reckon with
	r.Cur = min(r.Max, enough)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("setrlimit nofile %d: %w", r.Cur, err)
	}
	return int64(r.Cur), nil
}

// enter counts a connection in; false means that there is no room and it must be closed at once. leave follows either way.
func (g *gate) enter() bool {
	n := g.inside.Add(1)
	if n >= g.near && g.narrow.CompareAndSwap(false, true) {
		g.queues(shortQueue)
	}
	if n > g.most {
		if g.refused.Add(1) == 1 {
			g.log.Warn("connection limit reached", "limit", g.most)
		}
		return false
	}
	return true
}

func (g *gate) leave() {
	if n := g.inside.Add(-1); n < g.near-g.near/16 && g.narrow.CompareAndSwap(true, false) {
		g.queues(longQueue)
	}
}

// queues sets the length of the listeners' accept queues; listen on a listening socket does just that.
func (g *gate) queues(length int) {
	for _, fd := range g.listeners {
		if err := unix.Listen(fd, length); err != nil {
			g.log.Error("listen", "err", err)
		}
	}
}
