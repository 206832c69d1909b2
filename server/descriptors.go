package server

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"pumpd/server/access"
	"pumpd/server/admin"
	"pumpd/server/config"
)

// A budget says what the descriptors of the process are for, so that there is always one for the next accept.
//
//	limit = fixed + sources + admin + enrolling + 4 × reserve + encoders + connections
//
// TLS handshakes are among the connections.
type budget struct {
	admin       int64 // connections to the admin
	enrolling   int64 // per listener of ours: a connection on its way to its loop has two
	reserve     int64 // of each kind; as many again are about to be closed
	encoders    int64 // connections of encoders
	connections int64 // of everybody else
	silent      int64 // TLS handshakes that wait for the client's hello; and as many that wait for its later messages
	line        int64 // TLS handshakes that wait for CPU time
}

// What takes descriptors, each at its worst.
const (
	perLoop     = 6  // gnet's epoll and its wake, the watcher's, a ring, a connection that is not counted yet or any more
	perAddress  = 2  // of each loop, and once to book it: sockets for IPv6 and IPv4
	perListener = 2  // itself, and a connection that is not counted yet
	perUpstream = 4  // a connection, the second try beside it (IPv6 and IPv4), two questions to the DNS
	perFile     = 2  // what plays, and what is to follow it
	perQuestion = 3  // to a callback: a connection, two questions to the DNS
	spare       = 16 // for what is forgotten here: a log's file, a resolver's sockets
)

// Most of each kind, whatever the limit allows.
const (
	maxEnrolling = 256
	maxReserve   = 256
	maxSilent    = 4096 // a goroutine and 10 to 20 KB each, for timeouts.handshake
	maxLine      = 1024
	leastPlaces  = 16 // connections without which a pump is none
)

// newBudget divides a limit of descriptors, of which open are in use already, for a configuration and its number of
// loops; so many of its plain addresses are ours and not gnet's. An error says how many descriptors the configuration
// needs, or how many connections the limit allows.
func newBudget(limit, open int64, cfg *config.Config, loops, ours int) (*budget, error) {
	plain, own := int64(len(cfg.Server.Listen)-ours), int64(len(cfg.TLS.Listen)+ours)
	fixed := open + spare + perLoop*int64(loops) + perAddress*plain*int64(loops+1) + perListener*own
	sources, pushes := sourcesOf(cfg)
	fixed += min(sources, limit/2) // not all of them fail and look for another upstream at once
	b := &budget{encoders: encodersEach * pushes}
	if cfg.Server.Admin != "" {
		fixed += perListener
		b.admin = admin.MaxConns
	}
	if cfg.Server.AgentCheck != "" {
		fixed += perListener + admin.MaxAgentConns
	}
	rest := limit - fixed
	b.admin = min(b.admin, max(4, rest/16))
	b.encoders = min(b.encoders, max(encodersEach, rest/8))
	b.enrolling = min(maxEnrolling, max(1, rest/8/max(1, own)))
	b.reserve = min(maxReserve, max(4, rest/64))
	b.connections = rest - b.admin - b.encoders - b.enrolling*own - 4*b.reserve
	if b.connections < leastPlaces {
		return nil, fmt.Errorf("open files: the limit is %d, this configuration needs at least %d; raise it (ulimit -Hn)",
			limit, limit-b.connections+leastPlaces)
	}
	if asked := int64(cfg.Server.MaxConnections); asked > b.connections {
		return nil, fmt.Errorf("max_connections: %d, but %d descriptors allow %d; raise the hard limit (ulimit -Hn)",
			asked, limit, b.connections)
	} else if asked > 0 {
		b.connections = asked
	}
	b.silent = min(maxSilent, max(1, b.connections/4))
	b.line = min(maxLine, max(1, b.connections/4))
	return b, nil
}

// sourcesOf is how many descriptors the sources of all streams but pushes can have open at once, with the forwards and
// the callbacks of all, and how many pushes there are.
func sourcesOf(cfg *config.Config) (descriptors, pushes int64) {
	asked := map[access.Service]bool{}
	for i := range cfg.Streams {
		st := &cfg.Streams[i]
		if !st.Enabled {
			continue
		}
		switch st.Type {
		case config.TypePush:
			pushes++
		case config.TypePull:
			descriptors += perUpstream
			if len(st.URLs) > 1 || len(st.Pair) > 1 {
				descriptors += perUpstream // the other one, or a look whether the preferred one is back
			}
		case config.TypeFile:
			descriptors += perFile
		}
		if st.Slate != "" {
			descriptors += perFile
		}
		descriptors += perUpstream * int64(len(st.Forward))
		if s := access.ServiceOf(st); s.URL != "" && !asked[s] {
			asked[s] = true
			descriptors += perQuestion * access.MostQuestions
		}
	}
	return descriptors, pushes
}

// raiseDescriptors raises the process's limit of open files to the hard limit, and returns it, at most a million.
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

// openDescriptors is how many the process has, whoever opened them.
func openDescriptors() int64 {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return spare // no /proc here
	}
	return int64(len(names))
}
