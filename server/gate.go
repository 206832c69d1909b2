package server

import (
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A gate says who may be inside, and keeps the number of connections below the descriptor limit. It knows nothing of
// sockets: whoever accepts asks enter, and says leave when the connection is gone.
//
//	enter ─▶ most places for anybody: unheard, or asking, watching ─┐
//	  └────▶ when they are taken: reserve ──────────────────────────┴─▶ encoders
//	            for a moment, to say that it pushes
//
// Viewers can fill the places for anybody, but keep no encoder out: one that has been admitted to a stream has a place
// of another kind, and there are always some in which a connection may say that it is one. Those that ask for nothing
// keep nobody out: when all places are taken, the one that is awaited for longest makes room.
type gate struct {
	// Set by newGate, never changed.
	most int64 // connections that are not encoders and not in reserve
	all  int64 // and those included, the ones that are about to be closed as well
	log  *slog.Logger

	// Any goroutine.
	inside   atomic.Int64 // connections of any kind
	ordinary atomic.Int64 // of them, those that most counts
	refused  atomic.Uint64
	unheard  crowd // of the ordinary ones, those whose request is awaited
	reserve  crowd // by address
	familiar crowd // the same for addresses from which an encoder has come lately
	encoders crowd // by stream

	mu    sync.Mutex
	known map[netip.Addr]instant // of encoders' addresses: when one was last admitted
}

const (
	reserveTime  = 2 * time.Second // in which a connection in reserve must have been admitted to a stream
	promptTime   = time.Second     // in which nobody has to make room: a request comes with its connection
	familiarTime = 10 * time.Minute
	maxKnown     = 1024

	// encodersEach is how many connections the encoder of a stream may have: the one that feeds it, those of a setup and a
	// start that are to replace it, and one that the network has lost and nobody has noticed.
	encodersEach = 4
)

func newGate(b *budget, log *slog.Logger) *gate {
	return &gate{
		most:     b.connections,
		all:      b.connections + b.encoders + 4*b.reserve,
		log:      log,
		unheard:  crowd{most: math.MaxInt, each: math.MaxInt},
		reserve:  crowd{most: int(b.reserve), each: int(max(1, b.reserve/4))},
		familiar: crowd{most: int(b.reserve), each: int(max(1, b.reserve/2))},
		encoders: crowd{most: int(b.encoders), each: encodersEach},
		known:    map[netip.Addr]instant{},
	}
}

// enter counts a connection in, to be followed by leave with the same guest; false means that there is no room and it
// does not count. A guest may be told to go at any time; one in reserve may only say that it is an encoder's.
func (g *gate) enter(from netip.Addr, now instant) (in *guest, ok bool) {
	if g.inside.Add(1) > g.all {
		g.inside.Add(-1)
		g.refuse()
		return nil, false
	}
	if g.ordinary.Add(1) <= g.most || g.unheard.dismiss(now.add(-promptTime)) {
		return g.await(now, func() {}), true
	}
	g.ordinary.Add(-1)
	in = &guest{from: originOf(from), since: now, goes: func() {}, crowd: &g.reserve}
	if g.knows(from, now) {
		in.crowd = &g.familiar
	}
	in.crowd.enter(in, nil)
	return in, true
}

// await lists an ordinary connection as unheard, until heard is called.
func (g *gate) await(now instant, goes func()) *guest {
	in := &guest{since: now, goes: goes, crowd: &g.unheard}
	in.crowd.enter(in, nil)
	return in
}

// heard says that a connection has asked for something: it is nobody's guest any more. It is false if it must go, or
// has another kind of place.
func (g *gate) heard(in *guest) bool { return in.crowd == &g.unheard && in.crowd.leave(in) }

// leave counts a connection out.
func (g *gate) leave(in *guest) {
	g.inside.Add(-1)
	if in == nil || in.crowd == &g.unheard {
		g.ordinary.Add(-1)
	}
	if in == nil {
		return
	}
	stayed := in.crowd.leave(in)
	if in.crowd == &g.reserve || in.crowd == &g.familiar || !stayed {
		g.refuse()
	}
}

// refuse counts one that had no room.
func (g *gate) refuse() {
	g.refused.Add(1)
	g.log.Warn(logFull, "limit", g.most)
}

// admit gives a connection that has been admitted as an encoder of a stream its place, to be used instead of in from
// here on; who is its address and feeds that of the stream's source. It is false if there is none, and the connection
// has to go.
func (g *gate) admit(in *guest, st *stream, who netip.AddrPort, feeds string, now instant, goes func()) (*guest, bool) {
	if in != nil && in.from == st {
		return in, true
	}
	out := &guest{from: st, who: who.String(), since: now, goes: goes, crowd: &g.encoders}
	switch {
	case in == nil:
		if !g.encoders.enter(out, func(*guest) bool { return true }) {
			return nil, true // it has a place already
		}
		g.ordinary.Add(-1)
	case !in.crowd.leave(in), !g.encoders.enter(out, func(o *guest) bool { return o.who == feeds }):
		return in, false
	}
	g.remember(who.Addr(), now)
	return out, true
}

// demote gives a connection in reserve or in an encoder's place an ordinary one, if one is free: the guest is used no
// more.
func (g *gate) demote(in *guest) bool {
	if g.ordinary.Add(1) <= g.most && in.crowd.leave(in) {
		return true
	}
	g.ordinary.Add(-1)
	return false
}

// remember notes an address of an encoder.
func (g *gate) remember(a netip.Addr, now instant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxKnown {
		clear(g.known) // those that are still there are noted again when they come back
	}
	g.known[originOf(a)] = now
}

// knows says whether an encoder has come from an address lately.
func (g *gate) knows(a netip.Addr, now instant) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	last, ok := g.known[originOf(a)]
	return ok && now.since(last) < familiarTime
}

// expire ends what has been in reserve for too long.
func (g *gate) expire(now instant) {
	for _, w := range []*crowd{&g.reserve, &g.familiar} {
		for w.dismiss(now.add(-reserveTime)) {
		}
	}
}
