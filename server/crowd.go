package server

import (
	"container/list"
	"net/netip"
	"sync"

	"pumpd/server/auth"
	"pumpd/server/clock"
)

// A crowd is a bounded set of connections. When it is full, or has too many of one origin, a newcomer takes the place
// of the connection that has been there longest, which is ended: honest ones are there for an instant, and those that
// only hold a place are soon the oldest.
type crowd struct {
	// Any goroutine.
	mu         sync.Mutex
	most, each int         // connections at a time: of all, of one origin
	waiting    list.List   // of *guest, the oldest in front
	of         map[any]int // how many, by origin; origins with none are absent
}

// A guest is one connection in a crowd.
type guest struct {
	// Set before it enters, never changed.
	from  any    // its origin: address or stream
	who   string // its name, of an encoder, see conn.name
	crowd *crowd // where it enters

	// Guarded by crowd.mu.
	since clock.Instant // when it entered or was moved
	goes  func()        // ends the connection soon; called on any goroutine
	place *list.Element // nil: it has not entered, has left, or was told to go
}

// limit changes how many there may be. Those who are there stay.
func (w *crowd) limit(most, each int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.most, w.each = most, each
}

// enter adds g, and ends another connection where that is needed to make room, though none that spared says true of. It
// is false if all of them are spared.
func (w *crowd) enter(g *guest, spared func(*guest) bool) bool {
	w.mu.Lock()
	out, ok := w.makeRoom(g.from, spared)
	if ok {
		if w.of == nil {
			w.of = map[any]int{}
		}
		w.of[g.from]++
		g.place = w.waiting.PushBack(g)
	}
	w.mu.Unlock()
	if out != nil {
		out()
	}
	return ok
}

// makeRoom takes out the guest that has to go for one of an origin. out ends its connection, to be called when mu is
// free; nil: there is room as it is. false: all are spared. For whoever holds mu.
func (w *crowd) makeRoom(from any, spared func(*guest) bool) (out func(), ok bool) {
	crowded := w.of[from] >= w.each
	if !crowded && w.waiting.Len() < w.most {
		return nil, true
	}
	for e := w.waiting.Front(); e != nil; e = e.Next() {
		g := e.Value.(*guest)
		if crowded && g.from != from || spared != nil && spared(g) {
			continue
		}
		w.remove(g)
		return g.goes, true
	}
	return nil, false
}

// remove takes g out. For whoever holds mu.
func (w *crowd) remove(g *guest) {
	w.waiting.Remove(g.place)
	g.place = nil
	if w.of[g.from]--; w.of[g.from] == 0 {
		delete(w.of, g.from)
	}
}

// leave takes g out. It is false if g was told to go before.
func (w *crowd) leave(g *guest) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g.place == nil {
		return false
	}
	w.remove(g)
	return true
}

// move changes what ends g's connection, as another goroutine owns it from now on, and has its time begin anew. If g
// was told to go before, goes is called at once.
func (w *crowd) move(g *guest, now clock.Instant, goes func()) {
	w.mu.Lock()
	g.since, g.goes = now, goes
	out := g.place == nil
	if !out {
		w.waiting.MoveToBack(g.place)
	}
	w.mu.Unlock()
	if out {
		goes()
	}
}

// evictOldest ends the oldest connection if it entered before an instant; false: there is none.
func (w *crowd) evictOldest(before clock.Instant) bool {
	w.mu.Lock()
	e := w.waiting.Front()
	if e == nil || !e.Value.(*guest).since.Before(before) {
		w.mu.Unlock()
		return false
	}
	g := e.Value.(*guest)
	w.remove(g)
	goes := g.goes
	w.mu.Unlock()
	goes()
	return true
}

// originOf is what counts as one origin: an IPv4 address, or an IPv6 network of 64 bits, of which everybody has one.
func originOf(a netip.Addr) netip.Addr { return auth.NetworkOf(a.Unmap()).Addr() }
