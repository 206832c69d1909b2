package server

import (
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/logging"
	"pumpd/server/stream"
)

// A gate is the admission control of all listeners: it says whether one more connection may be open, and keeps their
// number below the descriptor limit. It knows nothing of sockets: whoever accepts calls enter, and leave when the
// connection is gone. Each connection has a place of one of three kinds:
//
//	enter ─▶ ordinary: most of them, for viewers, for questions, and for those whose request is awaited ─┐
//	  └────▶ reserve, when all of those are taken: 2 s in which to say that one is an encoder ───────────┴─▶ encoder's
//
// Viewers can take all ordinary places and still keep no encoder out: once admitted to its stream it has a place of
// another kind, and until then one in reserve. Nor do connections that ask for nothing keep anybody out: when all
// ordinary places are taken, the one whose request has been awaited for longest is closed. Where those come back faster
// than their time is over, new ones find themselves in reserve, and who has asked there is let in before who has not.
type gate struct {
	// Set by newGate, never changed.
	log *slog.Logger

	// Any goroutine.
	most     atomic.Int64 // connections that are not encoders and not in reserve
	all      atomic.Int64 // and those included, the ones that are about to be closed as well
	inside   atomic.Int64 // connections of any kind
	ordinary atomic.Int64 // of them, those that most counts
	refused  atomic.Uint64
	bans     bans.List
	banned   atomic.Uint64 // connections that came from banned networks
	awaited  crowd         // those in ordinary places whose request is awaited
	reserve  crowd         // those in reserve; their origin is an address
	familiar crowd         // the same for addresses from which an encoder has come lately: strangers cannot fill it
	encoders crowd         // those in encoders' places; their origin is a stream

	mu    sync.Mutex
	known map[netip.Addr]clock.Instant // of encoders' addresses: when one was last admitted
}

const (
	reserveTime  = 2 * time.Second // in which a connection in reserve must have been admitted to a stream
	promptTime   = time.Second     // in which a new connection need not make room for another: its request is on the way
	familiarTime = 10 * time.Minute
	maxKnown     = 1024

	// encodersEach is how many connections the encoder of a stream may have: the one that feeds it, those of a setup and a
	// start that are to replace it, and one that the network has lost and nobody has noticed.
	encodersEach = 4
)

func newGate(b *budget, log *slog.Logger) *gate {
	g := &gate{log: log, awaited: crowd{most: math.MaxInt, each: math.MaxInt}, known: map[netip.Addr]clock.Instant{}}
	g.setPlaces(b)
	return g
}

// setPlaces changes how many there are. Who is inside stays, also where that is more than there may be now.
func (g *gate) setPlaces(b *budget) {
	g.most.Store(b.connections)
	g.all.Store(b.connections + b.encoders + 4*b.reserve)
	g.reserve.limit(int(b.reserve), int(max(1, b.reserve/4)))
	g.familiar.limit(int(b.reserve), int(max(1, b.reserve/2)))
	g.encoders.limit(int(b.encoders), encodersEach)
}

// bars says whether somebody is banned: that is looked at before anything else, and costs nothing else.
func (g *gate) bars(from netip.Addr) bool {
	banned := g.bans.Has(from)
	if banned {
		g.banned.Add(1)
	}
	return banned
}

// enter counts a new connection, to be followed by leave with the same guest; false: there is no room for it, it does
// not count and is to be refused. A guest's connection may be ended at any time; one in reserve may only say that it is
// an encoder's.
func (g *gate) enter(from netip.Addr, now clock.Instant) (in *guest, ok bool) {
	if g.inside.Add(1) > g.all.Load() {
		g.inside.Add(-1)
		g.refuse()
		return nil, false
	}
	if g.ordinary.Add(1) <= g.most.Load() || g.awaited.evictOldest(now.Add(-promptTime)) {
		return g.await(now, func() {}), true
	}
	g.ordinary.Add(-1)
	return g.keep(from, now, func() {}), true
}

// keep lists a connection in reserve; goes ends it.
func (g *gate) keep(from netip.Addr, now clock.Instant, goes func()) *guest {
	in := &guest{from: originOf(from), since: now, goes: goes, crowd: &g.reserve}
	if g.knows(from, now) {
		in.crowd = &g.familiar
	}
	in.crowd.enter(in, nil)
	return in
}

// named says that a connection is from another address than it was let in with: a proxy speaks for that. The guest that
// it returns replaces in; goes ends it.
func (g *gate) named(in *guest, from netip.Addr, now clock.Instant, goes func()) *guest {
	inReserve := in != nil && (in.crowd == &g.reserve || in.crowd == &g.familiar)
	if !inReserve || !in.crowd.leave(in) {
		return in
	}
	return g.keep(from, now, goes)
}

// await lists a connection in an ordinary place as one whose request is awaited, until asked is called. goes ends it.
func (g *gate) await(now clock.Instant, goes func()) *guest {
	in := &guest{since: now, goes: goes, crowd: &g.awaited}
	in.crowd.enter(in, nil)
	return in
}

// readmit counts in a connection that another process has let in, whatever the limits are here. who is its name.
func (g *gate) readmit(a *arrivingConn, who string, now clock.Instant, goes func()) *guest {
	g.inside.Add(1)
	switch {
	case a.Encoder:
		in := &guest{from: a.stream, who: who, since: now, goes: goes, crowd: &g.encoders}
		if in.crowd.enter(in, func(*guest) bool { return true }) {
			g.remember(a.Remote.Addr(), now)
			return in
		}
	case a.viewer == nil && a.push == nil && !a.Held:
		g.ordinary.Add(1)
		return g.await(now, goes)
	}
	g.ordinary.Add(1)
	return nil
}

// asked says that the request has come: the connection keeps its ordinary place for good and has no guest any more. It
// is false if it has been told to go in the meantime, or has another kind of place.
func (g *gate) asked(in *guest) bool { return in.crowd == &g.awaited && in.crowd.leave(in) }

// leave says that a connection is gone.
func (g *gate) leave(in *guest) {
	g.inside.Add(-1)
	if in == nil || in.crowd == &g.awaited {
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
	g.log.Warn(logging.Full, "limit", g.most.Load())
}

// admit gives a connection that may push to a stream an encoder's place: the guest that it returns replaces in. from is
// its address and who its name; goes ends it; feeds is the name of the encoder that feeds the stream, which does not
// make room. false: there is no place, and the connection has to go.
func (g *gate) admit(in *guest, st *stream.Stream, from netip.Addr, who, feeds string, now clock.Instant,
	goes func()) (*guest, bool) {
	if in != nil && in.from == st {
		return in, true
	}
	out := &guest{from: st, who: who, since: now, goes: goes, crowd: &g.encoders}
	switch {
	case in == nil:
		if !g.encoders.enter(out, func(*guest) bool { return true }) {
			return nil, true // it has a place already
		}
		g.ordinary.Add(-1)
	case !in.crowd.leave(in), !g.encoders.enter(out, func(o *guest) bool { return o.who == feeds }):
		return in, false
	}
	g.remember(from, now)
	return out, true
}

// demote moves a connection that has asked from reserve, or from an encoder's place, to an ordinary one, if one is free
// or somebody has it who asks for nothing: it has no guest any more.
func (g *gate) demote(in *guest, now clock.Instant) bool {
	room := g.ordinary.Add(1) <= g.most.Load() || g.awaited.evictOldest(now.Add(1))
	if room && in.crowd.leave(in) {
		return true
	}
	g.ordinary.Add(-1)
	return false
}

// remember notes an address of an encoder.
func (g *gate) remember(a netip.Addr, now clock.Instant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxKnown {
		clear(g.known) // those that are still there are noted again when they come back
	}
	g.known[originOf(a)] = now
}

// knows says whether an encoder has come from an address lately.
func (g *gate) knows(a netip.Addr, now clock.Instant) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	last, ok := g.known[originOf(a)]
	return ok && now.Since(last) < familiarTime
}

// expire ends what has been in reserve for too long.
func (g *gate) expire(now clock.Instant) {
	for _, w := range []*crowd{&g.reserve, &g.familiar} {
		for w.evictOldest(now.Add(-reserveTime)) {
		}
	}
}
