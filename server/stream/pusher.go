package stream

import (
	"net/netip"

	"pumpd/server/clock"
)

// A Pusher is an encoder as one that comes for its stream is compared with it.
type Pusher struct {
	From netip.Addr
	ID   string // push-id, which it keeps when its address changes
}

// Is says whether it is the one that comes. All loopback addresses are this machine's.
func (p Pusher) Is(from netip.Addr, id string) bool {
	return p.From == from || p.ID == id || p.From.IsLoopback() && from.IsLoopback()
}

// keepPlace lets an encoder that lost its link go before others until the grace is over. An encoder whose stream has
// ended needs no place, and one that has brought no packet gets none. For whoever holds the registry's mutex.
func (st *Stream) keepPlace(since clock.Instant, orphan bool) {
	switch o := st.owner; {
	case o == nil || o.claim.Kind != Push || !o.wrote:
	case orphan:
		st.absent, st.until = o.claim.Pusher, since.Add(st.reg.grace)
	default:
		st.absent, st.until = Pusher{}, 0
	}
}

// Foremost is the encoder that goes before others: the one that feeds the stream, or else the one whose place is kept.
func (st *Stream) Foremost(now clock.Instant) (p Pusher, ok bool) {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if s := st.owner; s != nil && s.claim.Kind == Push {
		return s.claim.Pusher, true
	}
	return st.absent, now.Before(st.until)
}
