package server

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A gate keeps the number of connections below the descriptor limit, so that there is always one left for a source, the
// admin and the next accept.
type gate struct {
	most int64 // connections; set by newGate, never changed
	log  *slog.Logger

	// Any goroutine.
	inside  atomic.Int64
	refused atomic.Uint64
}

// reserveOf says how many descriptors of a limit are not for connections: files, pulls, admin, loops, and connections
// that are accepted and not yet counted.
func reserveOf(limit int64) int64 { return min(limit/2, max(limit/32, 64)) }

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
	return &gate{most: most, log: log}, nil
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

// enter counts a connection in, to be followed by leave; false means that there is no room and it does not count.
func (g *gate) enter() bool {
	if g.inside.Add(1) <= g.most {
		return true
	}
	g.inside.Add(-1)
	g.refused.Add(1)
	g.log.Warn(logFull, "limit", g.most)
	return false
}

func (g *gate) leave() { g.inside.Add(-1) }
