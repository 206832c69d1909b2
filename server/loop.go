package server

import (
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/codec"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/fanout"
	"pumpd/server/proxied"
	"pumpd/server/stream"
)

// A loop is one event loop: a goroutine of gnet's and everything it owns. Connections are dealt out to the loops when
// they are accepted and never change loops.
type loop struct {
	// Set before the loop runs, never changed.
	id       int
	clock    clock.Clock
	log      *slog.Logger
	reg      *stream.Registry
	stats    *serverStats
	node     *node
	hub      *fanout.Hub
	watcher  arming
	gate     *gate
	poke     func()      // makes gnet call work soon, on this loop
	onClosed func(*conn) // is told of each connection that is gone

	// Any goroutine.
	owner   owner // checks in tests that what is below is touched on it alone
	box     mailbox
	pending atomic.Bool  // poke has been called and work has not begun
	again   *time.Timer  // wakes when the queue goes on
	turned  atomic.Int64 // instant of its last sign of life, see health.go; 0: it has not begun, or has ended

	// This loop's goroutine only.
	limits   limits
	now      clock.Instant // of the callback that is being served
	conns    conns
	fronts   map[*conn]*front           // of those of conns that are from trusted proxies
	lodgers  map[*conn]lodgers          // of those of conns that are the process before, which watches
	waiting  []*conn                    // those of conns that are not viewing: they have deadlines
	held     map[*stream.Stream][]*conn // those who wait for the stream to come up, which are some
	holding  int                        // conns in held
	since    map[*conn]clock.Instant    // when those asked who have had nothing yet and had to wait
	queue    []*conn                    // have sent more requests than were served at once
	resting  clock.Instant              // until then they are not served
	leaving  []*conn                    // marked, not yet swept
	asking   map[*conn]*inquiry         // those who asked for a stream that not everybody may watch
	kept     map[*conn][]byte           // what had come in another process, see gnetWire.kept
	sent     map[*conn]struct{}         // those whose sockets have gone ahead to another process, see ahead.go
	chores   clock.Instant              // when deadlines are next looked at
	draining loopDrain
	reported reports
	stopping bool
	serving  bool // inside work or traffic, which sweep when they are done

	// Scratch, reused in every request.
	request codec.Request
	reply   []byte
	served  int    // requests, since the queue had its last turn
	records []byte // memory for those of one viewer with TLS at a time
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
	requestHead time.Duration
	sourceIdle  time.Duration
	pushSetup   time.Duration
	redirect404 string
	proxies     proxied.Trusted

	stripPadding bool

	accessInterval time.Duration
}

func loopLimitsOf(cfg *config.Config) limits {
	return limits{
		requestHead: time.Duration(cfg.Timeouts.RequestHead),
		sourceIdle:  time.Duration(cfg.Timeouts.SourceIdle),
		pushSetup:   time.Duration(cfg.Timeouts.PushSetup),
		redirect404: cfg.Server.Redirect404To,

		stripPadding: cfg.Server.StripPadding,

		accessInterval: time.Duration(cfg.Server.AccessInterval),
	}
}

func hubLimitsOf(cfg *config.Config) fanout.Limits {
	return fanout.Limits{
		Merge:  cfg.Server.Merge,
		MaxLag: time.Duration(cfg.Server.MaxLag),
		Stall:  time.Duration(cfg.Timeouts.Stall),

		MaxSession: time.Duration(cfg.Server.MaxSession),
	}
}

// setLimits has those of another configuration count from now on.
func (l *loop) setLimits(cfg *config.Config) {
	l.owner.check()
	n := loopLimitsOf(cfg)
	n.proxies = l.node.trusted()
	l.limits = n
	l.hub.SetLimits(hubLimitsOf(cfg))
}

const (
	choreInterval = 250 * time.Millisecond
	lingerTime    = 2 * time.Second        // how long a peer may take to close after our FIN
	probeTime     = 500 * time.Millisecond // and after an MMST probe's (mmsh.md §2)
	keepAliveTime = 60 * time.Second
)

func newLoop(id int, c clock.Clock, cfg *config.Config, e fanout.Engine, log *slog.Logger, reg *stream.Registry,
	stats *serverStats, n *node, poke func()) *loop {
	l := &loop{
		id: id, clock: c, log: log, reg: reg, stats: stats, node: n, poke: poke,
		limits: loopLimitsOf(cfg),
		held:   map[*stream.Stream][]*conn{}, fronts: map[*conn]*front{}, lodgers: map[*conn]lodgers{},
		asking: map[*conn]*inquiry{}, kept: map[*conn][]byte{}, since: map[*conn]clock.Instant{},
	}
	l.hub = fanout.New(id, fanout.Options{
		Clock: c, Limits: hubLimitsOf(cfg),
		Engine: e, Owner: l, Wake: l.wake, Stats: &stats.hubs, Probe: fanout.NewProbe(),
	})
	if lineOf(&cfg.Server).On() {
		l.hub.Watch(n.line)
	}
	l.again = time.AfterFunc(time.Hour, l.wake)
	l.again.Stop()
	return l
}

// wake makes the loop work soon. gnet's Execute may reorder, so it carries nothing and is called once for any number of
// wakes. Any goroutine.
func (l *loop) wake() {
	if l.pending.CompareAndSwap(false, true) {
		l.poke()
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
	l.hub.Work(now)
	if now >= l.chores {
		l.doChores(now)
		l.chores = now.Add(choreInterval)
	}
	l.serveQueue(now)
	l.sweep(now)
}

// ready is told by the watcher what has happened on descriptors. By now one may be another conn's, which does no harm.
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
		case c.viewer != nil && c.viewer.Blocked():
			l.hub.Turn(c.viewer, now)
		}
	}
}

// ended is called when the loop's goroutine has ended.
func (l *loop) ended() {
	l.turned.Store(0)
	l.owner.release()
}
