package server

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// A loop is one event loop: a goroutine of gnet's and everything it owns. Connections are dealt out to the loops when
// they are accepted and never change loops.
type loop struct {
	// Set before the loop runs, never changed.
	id      int
	clock   clock.Clock
	limits  limits
	log     *slog.Logger
	access  *slog.Logger
	reg     *stream.Registry
	stats   *serverStats
	node    *node
	engine  engine
	watcher arming
	gate    *gate
	kick    func()      // makes gnet call work soon, on this loop
	left    func(*conn) // is told of each connection that is gone

	// Any goroutine.
	owner   owner // checks in tests that what is below is touched on it alone
	box     mailbox
	pending atomic.Bool  // kick has been called and work has not begun
	due     atomic.Int64 // instant from which a packet begins the next round
	latest  atomic.Int64 // and that of the round if none comes, not before due
	alarm   *time.Timer  // wakes at latest
	again   *time.Timer  // wakes when the queue goes on
	alarmed atomic.Bool
	turned  atomic.Int64 // instant of its last sign of life, see health.go; 0: it has not begun, or has ended

	// This loop's goroutine only.
	now          clock.Instant // of the callback that is being served
	conns        conns
	waiting      []*conn       // those of conns that are not viewing: they have deadlines
	audiences    []*audience   // by stream.id; nil where this loop never had a viewer
	holding      int           // conns in its audiences' lists of those who wait for the stream
	queue        []*conn       // have sent more requests than were served at once
	leaving      []*conn       // marked, not yet swept
	chores       clock.Instant // when deadlines are next looked at
	viewerChores clock.Instant // and those of viewers
	stopping     bool
	serving      bool // inside work or traffic, which sweep when they are done

	// Scratch, reused in every round and request.
	segment  segment
	iov      [][]byte
	packets  []*stream.Element
	leads    []*lead // spare ones
	prefixes [turnPackets][codec.PrefixLen]byte
	request  codec.Request
	reply    []byte
	served   int // requests, since the queue had its last turn
	sends    uint64
	cost     time.Duration // of a round, see pace.go
	settle   time.Duration // how long a round waits for the rest of a burst
	settling bool          // it does now
	taken    uint64        // bytes that sockets took and no audience has counted yet
}

// conns are connections by descriptor. Descriptors are small numbers that are used again, so it is a table.
type conns []*conn

func (t *conns) put(c *conn) {
	if n := int(c.fd) + 1 - len(*t); n > 0 {
		*t = append(*t, make([]*conn, n)...)
	}
	(*t)[c.fd] = c
}

func (t conns) remove(c *conn) { t[c.fd] = nil }

func (t conns) find(fd int32) *conn {
	if int(fd) >= len(t) {
		return nil
	}
	return t[fd]
}

// limits are the parts of the configuration that loops look at.
type limits struct {
	merge       config.Merge
	maxLag      time.Duration
	lagBytes    uint64
	requestHead time.Duration
	sourceIdle  time.Duration
	pushSetup   time.Duration
	stall       time.Duration
	redirect404 string
}

const (
	choreInterval = 250 * time.Millisecond
	lingerTime    = 2 * time.Second        // how long a peer may take to close after our FIN
	probeTime     = 500 * time.Millisecond // and after an MMST probe's (mmsh.md §2)
	keepAliveTime = 60 * time.Second
)

func newLoop(id int, c clock.Clock, cfg *config.Config, log *slog.Logger, reg *stream.Registry, stats *serverStats,
	n *node, kick func()) *loop {
	l := &loop{
		id: id, clock: c, log: log, access: log, reg: reg, stats: stats, node: n, kick: kick,
		limits: limits{
			merge:       cfg.Server.Merge,
			maxLag:      time.Duration(cfg.Server.MaxLag),
			lagBytes:    maxLagBytes,
			requestHead: time.Duration(cfg.Timeouts.RequestHead),
			sourceIdle:  time.Duration(cfg.Timeouts.SourceIdle),
			pushSetup:   time.Duration(cfg.Timeouts.PushSetup),
			stall:       time.Duration(cfg.Timeouts.Stall),
			redirect404: cfg.Server.Redirect404To,
		},
		audiences: make([]*audience, len(reg.Streams())),
	}
	l.alarm = time.AfterFunc(time.Hour, l.ring)
	l.alarm.Stop()
	l.again = time.AfterFunc(time.Hour, l.wake)
	l.again.Stop()
	return l
}

// bell tells the loop that a chain has grown. Any goroutine.
func (l *loop) bell(now clock.Instant) {
	if clock.Instant(l.due.Load()) <= now {
		l.wake()
	} else if l.alarmed.CompareAndSwap(false, true) {
		l.alarm.Reset(clock.Instant(l.latest.Load()).Since(now))
	}
}

// ring is what the alarm does.
func (l *loop) ring() {
	l.alarmed.Store(false)
	l.wake()
}

// wake makes the loop work soon. gnet's Execute may reorder, so it carries nothing and is called once for any number of
// wakes. Any goroutine.
func (l *loop) wake() {
	if l.pending.CompareAndSwap(false, true) {
		l.kick()
	}
}

// tell makes the loop call something. Any goroutine.
func (l *loop) tell(call func(now clock.Instant)) {
	l.box.post(call)
	l.wake()
}

// roundFirst does the work that is pending: a round that is due does not wait for all who come in a herd.
func (l *loop) roundFirst() {
	if l.pending.Load() {
		l.work(l.clock.Now())
	}
}

// work is what a wake leads to.
func (l *loop) work(now clock.Instant) {
	l.owner.check()
	l.turned.Store(int64(now))
	l.pending.Store(false)
	l.now, l.serving = now, true
	l.box.open(now)
	l.serveHeld(now)
	if l.news() {
		l.offerNews(now)
	}
	if now >= l.chores {
		l.doChores(now)
		l.chores = now.Add(choreInterval)
	}
	l.serveQueue(now)
	l.sweep(now)
}

// news says whether a chain has grown that has viewers here.
func (l *loop) news() bool {
	return slices.ContainsFunc(l.audiences, (*audience).news)
}

// offerNews makes a round if it is time for one. What is not offered now, and what comes while a round sweeps and rings
// in vain, the alarm will offer.
func (l *loop) offerNews(now clock.Instant) {
	switch {
	case now.Before(clock.Instant(l.due.Load())):
	case l.settle > 0 && !l.settling:
		l.settling = true
		l.due.Store(int64(now.Add(l.settle)))
		l.alarmed.Store(true)
		l.alarm.Reset(l.settle)
	default:
		l.round(now)
	}
	if l.news() {
		l.bell(l.clock.Now())
	}
}

// paced sets when the next round may be, after one that took spent of CPU time. Its packets come in bursts gap apart.
func (l *loop) paced(spent, gap time.Duration) {
	l.cost = costOf(l.cost, spent)
	p := paceOf(l.limits.merge, l.cost, gap)
	l.due.Store(int64(l.now.Add(p.due)))
	l.latest.Store(int64(l.now.Add(p.latest)))
	l.settle, l.settling = p.settle, false
}

// ready is told by the watcher whose sockets have room or are dead. By now a descriptor may be another conn's, which
// does no harm.
func (l *loop) ready(events []unix.EpollEvent, now clock.Instant) {
	l.owner.check()
	for _, ev := range events {
		c := l.conns.find(ev.Fd)
		if c == nil {
			continue
		}
		switch {
		case c.late:
			l.deliver(c, now)
		case c.viewer != nil && c.viewer.state == blocked:
			l.turn(c.viewer, now)
		}
	}
}

// ended is called when the loop's goroutine has ended.
func (l *loop) ended() {
	l.turned.Store(0)
	l.owner.release()
}
