package admission

import "math"

// Unlimited is a headroom that no limit bounds.
const Unlimited = math.MaxInt64

// A View is the ledger at one moment, for people.
type View struct {
	Viewers, MaxViewers     int64
	Bandwidth, MaxBandwidth int64              // bit/s of streams that viewers take and others have reserved
	Reserved                int64              // bit/s that others take
	Line                    int64              // bit/s on the line that both take, headers included
	Usable                  int64              // bit/s of the line that may be taken; 0: there is no limit
	Shut                    Cause              // why nobody comes in whatever is free, None if it is not so
	Headroom                int64              // of the dearest stream, under the pump's own limits; or Unlimited
	Streams                 map[int]StreamView // by their numbers
}

// A StreamView is the same for one stream.
type StreamView struct {
	Limits   StreamLimits
	Viewers  int64
	Rate     int64 // bit/s of one viewer
	Line     int64 // bit/s of one viewer on the line, over IPv4 without TLS
	Headroom int64 // viewers that could come yet, under all limits
	Refused  [Causes]uint64
}

// View shows the ledger. It takes a while, for operators.
func (l *Ledger) View() View {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := View{
		Viewers: l.all.viewers, MaxViewers: l.limits.Viewers,
		Bandwidth: l.all.bits + l.reserved, MaxBandwidth: l.limits.Bandwidth,
		Reserved: l.reserved, Line: l.all.line + l.reserved, Usable: l.usable(),
		Streams: make(map[int]StreamView, len(l.streams)),
	}
	for why, shut := range l.shut {
		if shut {
			v.Shut = Cause(why)
		}
	}
	dearest := newAccount()
	for i, a := range l.streams {
		v.Streams[i] = StreamView{Limits: a.limits, Viewers: a.all.viewers, Rate: a.cost[0].bits, Line: a.cost[0].line,
			Headroom: l.headroom(a), Refused: a.refused}
		if a.cost[0].line >= dearest.cost[0].line {
			dearest.cost = a.cost
		}
	}
	v.Headroom = l.headroom(dearest)
	return v
}

// headroom is how many more viewers of a stream fit who are no relays. For whoever holds mu.
func (l *Ledger) headroom(a *account) int64 {
	if l.shut[Line] || l.shut[Quota] {
		return 0
	}
	n := int64(Unlimited)
	for _, c := range l.checks(a) {
		if one := c.part(a.cost[0]); c.limit > 0 && one > 0 {
			n = min(n, max(0, c.room(l.limits.Kept)/one))
		}
	}
	return n
}
