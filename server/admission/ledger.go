// Package admission says whether one more viewer may come. Its Ledger counts what viewers take of the pump's limits:
// places, bandwidth, the line. It knows nothing of connections: whoever lets a viewer in asks Enter, and calls Leave
// when the viewer is gone.
package admission

import (
	"math"
	"net/netip"
	"sync"

	"pumpd/server/config"
)

// A Ledger has a line for each stream and one for all of them. Every change of it is a few additions, however many
// viewers there are, under a mutex that no round takes. Any goroutine.
//
// What is let in stays in: limits and costs may change, and then more may be taken than a limit allows until enough
// viewers have left. Nobody else comes in before that.
type Ledger struct {
	mu       sync.Mutex
	limits   Limits
	line     int64 // what the line is measured to carry, bit/s; 0: nobody knows
	shut     [Causes]bool
	reserved int64 // bit/s that others than viewers take
	all      usage
	relays   usage // of all
	streams  map[int]*account
	from     map[netip.Addr]int32 // viewers by origin; none is absent
}

// Limits are those of the whole pump. 0 is no limit.
type Limits struct {
	Viewers   int64
	Bandwidth int64 // bit/s of streams, without headers
	PerOrigin int64 // viewers
	Line      int64 // bit/s that the line carries, headers of TCP/IP included; what is measured may lower it

	LineReserve config.Share // of Line, or of what is measured, that is left alone
	Kept        config.Share // of each limit but that of origins, for relays only
}

// StreamLimits are those of one stream. 0 is no limit.
type StreamLimits struct {
	Viewers   int64
	Bandwidth int64 // bit/s
	Bitrate   int64 // what a viewer costs, bit/s; 0: what is declared or measured
}

// A usage is what viewers take.
type usage struct {
	viewers int64
	bits    int64 // bit/s of streams
	line    int64 // bit/s on the line
}

func (u *usage) add(o usage, times int64) {
	u.viewers += times * o.viewers
	u.bits += times * o.bits
	u.line += times * o.line
}

// New makes a ledger without limits.
func New() *Ledger { return &Ledger{streams: map[int]*account{}, from: map[netip.Addr]int32{}} }

// An Ask is what the ledger is to know of a viewer.
type Ask struct {
	Stream   int        // its number
	From     netip.Addr // what counts as one origin
	Class    Class
	Declared int64 // bit/s, by the stream's header; 0: there is none, or it does not say
	Packet   int   // bytes of a full packet, by the header; 0: there is none
}

// A Seat is what Enter gives and Leave takes back. The zero value is none.
type Seat uint8

// taken tells the Seat of class 0 from none.
const taken Seat = 1 << 7

// Enter lets a viewer in, for Leave to be called once with its seat, or says what stands against it.
func (l *Ledger) Enter(ask Ask) (Seat, Cause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.declared(ask)
	if why := l.objection(a, ask); why != None {
		a.refused[why]++
		l.tidy(ask.Stream, a)
		return 0, why
	}
	l.count(a, ask.Class, 1)
	l.from[ask.From]++
	return taken | Seat(ask.Class), None
}

// Readmit counts one in that another process has let in, with the seat that it had there, whatever the limits are here.
// Of no seat it does nothing.
func (l *Ledger) Readmit(s Seat, stream int, from netip.Addr) {
	if s == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(l.account(stream), s.class(), 1)
	l.from[from]++
}

// Counts are viewers by Class.
type Counts [classes]int32

// Lodge has viewers of a stream count whom another process serves, where others did before.
func (l *Ledger) Lodge(stream int, before, now Counts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(stream)
	for c := range now {
		l.count(a, Class(c), int64(now[c]-before[c]))
	}
	l.tidy(stream, a)
}

// Seated are the viewers of a stream that have a seat.
func (l *Ledger) Seated(stream int) Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.streams[stream]; a != nil {
		return a.count
	}
	return Counts{}
}

// Valid says whether s is one that Enter can give, or none.
func (s Seat) Valid() bool { return s == 0 || s&taken != 0 && int(s.class()) < classes }

func (s Seat) class() Class { return Class(s &^ taken) }

// Count adds one to n for a seat, for none nothing.
func (s Seat) Count(n *Counts) {
	if s != 0 {
		n[s.class()]++
	}
}

// Ask says what Enter would, for who does not watch yet.
func (l *Ledger) Ask(ask Ask) Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.declared(ask)
	why := l.objection(a, ask)
	if why != None {
		a.refused[why]++
	}
	l.tidy(ask.Stream, a)
	return why
}

// Leave gives a seat back; stream and from are those of the Ask. Of no seat it does nothing.
func (l *Ledger) Leave(s Seat, stream int, from netip.Addr) {
	if s == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(stream)
	l.count(a, s.class(), -1)
	l.tidy(stream, a)
	if l.from[from]--; l.from[from] <= 0 {
		delete(l.from, from)
	}
}

// count adds viewers of a class, or takes them away. For whoever holds mu.
func (l *Ledger) count(a *account, c Class, viewers int64) {
	a.count[c] += int32(viewers)
	one := a.cost[c]
	a.all.add(one, viewers)
	l.all.add(one, viewers)
	if c&Relay != 0 {
		a.relays.add(one, viewers)
		l.relays.add(one, viewers)
	}
}

// objection is what stands against one more viewer, None if nothing does. For whoever holds mu.
func (l *Ledger) objection(a *account, ask Ask) Cause {
	if p := l.limits.PerOrigin; p > 0 && int64(l.from[ask.From]) >= p {
		return PerIP
	}
	for why, shut := range l.shut {
		if shut {
			return Cause(why)
		}
	}
	one, relay := a.cost[ask.Class], ask.Class&Relay != 0
	why := l.over(a, one, true)
	if why == None && !relay && l.over(a, one, false) != None {
		why = Relays
	}
	return why
}

// over is the limit that would be passed by what one more costs. relay says whether it may have what is kept for
// relays. For whoever holds mu.
func (l *Ledger) over(a *account, one usage, relay bool) Cause {
	for _, c := range l.checks(a) {
		if c.room(l.kept(relay)) < max(1, c.part(one)) {
			return c.cause
		}
	}
	return None
}

// A check is one limit and what is taken of it.
type check struct {
	cause  Cause
	limit  int64 // 0 is none
	used   int64
	relays int64 // of used
	part   func(usage) int64
}

// checks are all limits for viewers of a stream but the one of origins. For whoever holds mu.
func (l *Ledger) checks(a *account) [5]check {
	return [5]check{
		{StreamViewers, a.limits.Viewers, a.all.viewers, a.relays.viewers, viewersOf},
		{StreamBandwidth, a.limits.Bandwidth, a.all.bits, a.relays.bits, bitsOf},
		{Viewers, l.limits.Viewers, l.all.viewers, l.relays.viewers, viewersOf},
		{Bandwidth, l.limits.Bandwidth, l.all.bits + l.reserved, l.relays.bits, bitsOf},
		{Uplink, l.usable(), l.all.line + l.reserved, l.relays.line, lineOf},
	}
}

func viewersOf(u usage) int64 { return u.viewers }
func bitsOf(u usage) int64    { return u.bits }
func lineOf(u usage) int64    { return u.line }

// kept is what of each limit a newcomer may not have: nothing if it is a relay. For whoever holds mu.
func (l *Ledger) kept(relay bool) config.Share {
	if relay {
		return 0
	}
	return l.limits.Kept
}

// room is how much of a limit is free for a newcomer who may not have what is kept for relays, as far as they do not
// have it already. It is negative where more is taken than that.
func (c *check) room(kept config.Share) int64 {
	if c.limit == 0 {
		return math.MaxInt64
	}
	return c.limit - c.used - max(0, kept.Of(c.limit)-c.relays)
}

// usable is what of the line viewers may take, bit/s; 0: there is no limit. For whoever holds mu.
func (l *Ledger) usable() int64 {
	line := l.limits.Line
	if line == 0 || l.line > 0 && l.line < line {
		line = l.line
	}
	return line - l.limits.LineReserve.Of(line)
}

// SetLimits sets what holds for all streams together.
func (l *Ledger) SetLimits(n Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = n
}

// SetStream sets the limits of a stream, by a number that is its own.
func (l *Ledger) SetStream(stream int, n StreamLimits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(stream)
	a.limits, a.known = n, true
	l.reckon(a)
}

// Forget is for a stream that is no more; its viewers still give their seats back. Whoever was on the way there may
// still come.
func (l *Ledger) Forget(stream int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(stream)
	a.known = false
	l.tidy(stream, a)
}

// tidy drops the account of a stream that there is not, unless viewers have seats there. For whoever holds mu.
func (l *Ledger) tidy(stream int, a *account) {
	if !a.known && a.all.viewers == 0 {
		delete(l.streams, stream)
	}
}

// SetUplink says what the line is measured to carry now, headers included, in bit/s; 0: nobody knows.
func (l *Ledger) SetUplink(bits int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = bits
}

// Shut keeps newcomers out for a cause, Line, Quota or Draining, until it is called with false.
func (l *Ledger) Shut(why Cause, shut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut[why] = shut
}

// Reserve takes bit/s of the line, and of the bandwidth, for what is sent to no viewer; a negative number gives them
// back. It is never refused.
func (l *Ledger) Reserve(bits int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved += bits
}

// CostOf is what one viewer of a stream and class takes of the line now, bit/s with headers; 0: nobody knows yet.
func (l *Ledger) CostOf(stream int, c Class) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.streams[stream]; a != nil {
		return a.cost[c].line
	}
	return 0
}

// Line is what is taken of the line and what of it is free for viewers, bit/s with headers. free is negative where too
// much is taken, and math.MaxInt64 where there is no limit.
func (l *Ledger) Line() (committed, free int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	committed = l.all.line + l.reserved
	if usable := l.usable(); usable > 0 {
		return committed, usable - committed
	}
	return committed, math.MaxInt64
}

// account is the stream's. For whoever holds mu.
func (l *Ledger) account(stream int) *account {
	a := l.streams[stream]
	if a == nil {
		a = newAccount()
		l.streams[stream] = a
	}
	return a
}

// declared is the account of a stream whose header says what ask does. For whoever holds mu.
func (l *Ledger) declared(ask Ask) *account {
	a := l.account(ask.Stream)
	if ask.Packet != 0 && (ask.Declared != a.declared || ask.Packet != a.packet) {
		a.declare(ask.Declared, ask.Packet)
		l.reckon(a)
	}
	return a
}

// reckon has the viewers of a stream cost what it costs now. For whoever holds mu.
func (l *Ledger) reckon(a *account) {
	l.all.add(a.all, -1)
	l.relays.add(a.relays, -1)
	a.reckon()
	l.all.add(a.all, 1)
	l.relays.add(a.relays, 1)
}
