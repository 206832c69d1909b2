package stream

import (
	"crypto/subtle"
	"net/netip"

	"pumpd/server/clock"
)

// A pusher is an encoder as one that comes for its stream is compared with it.
type pusher struct {
	from netip.Addr
	id   string // push-id, which it keeps when its address changes
}

// is says whether it is the one that comes. All loopback addresses are this machine's.
func (p pusher) is(from netip.Addr, id string) bool {
	same := subtle.ConstantTimeCompare([]byte(p.id), []byte(id)) == 1 // it is a secret
	return p.from == from || same || p.from.IsLoopback() && from.IsLoopback()
}

// noteAbsent lets an encoder that lost its link go before others until the grace is over. One whose stream has ended
// does not need that, and one that has brought no packet does not get it. For whoever holds the registry's mutex.
func (st *Stream) noteAbsent(since clock.Instant, orphan bool) {
	switch o := st.writer; {
	case o == nil || o.claim.Kind != Push || !o.wrote:
	case orphan:
		st.absent, st.until = o.pusher(), since.Add(st.Grace())
	default:
		st.absent, st.until = pusher{}, 0
	}
}

func (s *Source) pusher() pusher { return pusher{s.claim.From, s.claim.PushID} }

// Reserved says that another encoder goes before one that comes from there with that push-id: the one that feeds the
// stream, or the one that is absent. Any goroutine.
func (st *Stream) Reserved(from netip.Addr, id string, now clock.Instant) bool {
	st.reg.mu.Lock()
	defer st.reg.mu.Unlock()
	if s := st.writer; s != nil && s.claim.Kind == Push {
		return !s.pusher().is(from, id)
	}
	return now.Before(st.until) && !st.absent.is(from, id)
}
