// Package server is the pump: one source in, thousands of viewers out.
//
//	push conn (on a loop) ─┐                      ┌─ loop 0: its viewers, one round per merge interval
//	pull goroutine ────────┼─ publish ─▶ stream ──┤
//	file goroutine ────────┘   chain of elements  └─ loop 1: its viewers
//
// Who owns what: every mutable thing belongs to one event loop's goroutine, or to the goroutine of the source that
// holds a stream's claim. Across goroutines go only values that no longer change (configuration, header, chain
// element), atomic counters, and calls through a loop's mailbox. What all share otherwise, claims, sessions, push-ids
// and places, has a mutex of its own that is held for an instant; no round and no publish takes one.
//
// gnet runs the loops and has every connection for its life; only reactor.go, gnetwire.go and listen.go know it.
// ARCHITECTURE.md has the packages below this one, and the way of a packet and of a request through them.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/accesslog"
	"pumpd/server/admin"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/fanout"
	"pumpd/server/handover"
	"pumpd/server/logging"
	"pumpd/server/proxied"
	"pumpd/server/stream"
	"pumpd/server/systemd"
)

// A Server is one pump with its streams and listeners. Make it with New, use it once.
type Server struct {
	// Not to be changed after Run has begun.
	Version string                         // what the status page and the metrics show
	Load    func() (*config.Config, error) // reads and checks the configuration again; nil: there is no Reload
	File    string                         // that Load loads, with its whole path
	Level   *slog.LevelVar                 // of the log's handler; nil: its level cannot be changed
	Format  *logging.Format                // likewise
	Stdout  io.Writer                      // for an access log there; nil: the process's
	// Spawn starts a program, ours where it is "", that Inherits; nil: there is no Upgrade.
	Spawn func(program string) (*handover.Child, error)
	// Renew begins an Upgrade by which keys count that a reload cannot have count, and returns at once; nil: they wait.
	Renew func()

	// Set by New, never changed.
	logs    *logging.Queue
	log     *slog.Logger // writes to logs
	clock   clock.Clock
	node    *node
	reg     *stream.Registry
	budget  *budget
	gate    *gate
	reactor *reactor
	manager *systemd.Manager // that has started us; nil: nobody
	engine  string           // its name
	stats   serverStats
	// Reload, for the admin: Go allows no circle, and a reload may start another admin.
	apply func(context.Context) (*Report, error)
	// nil: the configuration has no tls.listen.
	handshakes  *handshakes
	descriptors struct{ limit, open int64 } // what there may be, and were before any of ours
	reloading   chan struct{}               // holds one while somebody reloads
	orders      chan func()                 // calls for the server's own goroutine
	upgrading   sync.Mutex                  // held by who upgrades
	before      *predecessor                // from which all is taken over; nil: from none
	drained     chan struct{}               // closed by Drain
	drainOnce   sync.Once                   // closes it
	passing     sync.RWMutex                // locked while all is handed to another process: no loop gets a connection
	changing    sync.RWMutex                // locked before that, and until it is over: the admin changes nothing

	// Any goroutine.
	cfg        atomic.Pointer[config.Config] // what counts now; it does not change
	lastReload atomic.Pointer[admin.Reload]
	certs      atomic.Pointer[certificates] // nil: nothing has spoken TLS yet

	// The server's own goroutine only, once it runs.
	booked    []plainAddress          // gnet's
	listeners []*listener             // ours
	adminAt   map[string]net.Listener // of the admin and what is like it, by address; those that are closed as well
	running   runnings
	unwatch   context.CancelFunc // ends the watch over certificates; nil: there is none
	made      int                // streams that there ever were
	told      string             // to the manager, of how we are
	reserved  int64              // of the line, for forwards, bit/s
	sources   context.Context    // of what feeds them
	stopping  <-chan struct{}    // closed when it begins to stop
	helpers   sync.WaitGroup     // the goroutines that the end waits for
	over      chan struct{}      // closed when orders are not taken any more
	spent     spent
	unsettled []arrivingStream // streams whose tasks may not have taken up what they were left
	handed    *departure       // what has gone to another process; nil: nothing; written with passing and changing locked

	// Set by Run, readable once ready is closed.
	ready chan struct{}
	at    atomic.Pointer[addresses]   // where it listens; it does not change
	admin atomic.Pointer[admin.Admin] // nil: the configuration has none
	agent atomic.Pointer[admin.Agent] // the same
}

// New makes a server of a checked configuration. It opens nothing but the loops' watchers. What it has to say, log is
// told by a goroutine of its own once it runs: nothing else ever waits for log.
func New(cfg *config.Config, log *slog.Logger) (*Server, error) {
	return newServer(cfg, log, clock.New(), nil)
}

// newServer makes one that begins anew, or is to take over from the process before.
func newServer(cfg *config.Config, log *slog.Logger, c clock.Clock, before *predecessor) (*Server, error) {
	s := &Server{
		Version: "(devel)", clock: c, before: before, node: newNode(&cfg.Server),
		ready: make(chan struct{}), over: make(chan struct{}),
		reloading: make(chan struct{}, 1), orders: make(chan func()), drained: make(chan struct{}), running: runnings{},
		adminAt: map[string]net.Listener{},
	}
	s.apply = s.Reload
	s.cfg.Store(cfg)
	s.stats.measure()
	s.lastReload.Store(&admin.Reload{At: time.Now(), Loaded: time.Now(), OK: true})
	s.logs = logging.New(log.Handler(), &s.stats.logLost)
	s.log = s.logs.Logger()
	var err error
	if s.manager, err = systemd.FromEnvironment(); err != nil {
		s.log.Warn("the service manager cannot be told anything", "err", err)
	}
	if err = s.assemble(); err != nil {
		s.release()
		s.logs.Drain()
		return nil, err
	}
	return s, nil
}

// assemble makes what a server consists of.
func (s *Server) assemble() (err error) {
	cfg := s.config()
	s.node.visits = accesslog.New(cfg.Server.AccessLog, cfg.Server.AccessFormat, s.log)
	s.node.line = newLine(lineOf(&cfg.Server), s.node.ledger, s.log)
	if err := s.makeGate(); err != nil {
		return err
	}
	var streams []*stream.Stream
	for i := range cfg.Streams {
		if !cfg.Streams[i].Enabled {
			continue
		}
		streams = append(streams, s.newStream(&cfg.Streams[i], &cfg.Server))
	}
	for _, st := range streams {
		s.node.ledger.SetStream(st.ID(), streamAdmission(st.Config()))
	}
	if s.node.access, err = newPushAccess(streams, s.clock); err != nil {
		return err
	}
	if s.node.viewing, err = newViewAccess(streams, s.log, s.clock); err != nil {
		return err
	}
	proxies, err := proxied.ParseTrusted(cfg.Server.TrustedProxies)
	if err != nil {
		return err
	}
	s.node.proxies.Store(&proxies)
	s.reg = stream.NewRegistry(s.clock, graceOf(cfg), streams)
	if err := s.makeLoops(); err != nil {
		return err
	}
	if err := s.makeTLS(); err != nil {
		return err
	}
	if s.before != nil {
		return nil // it has the count until all is ours
	}
	return s.openQuota()
}

// makeGate divides the descriptors that the process may have.
func (s *Server) makeGate() error {
	limit, err := raiseDescriptors()
	if err != nil {
		return err
	}
	s.descriptors.limit, s.descriptors.open = limit, openDescriptors()
	s.budget, err = newBudget(limit, s.descriptors.open, s.config(), s.config().Server.LoopCount(), 0)
	if err != nil {
		return err
	}
	s.gate = newGate(s.budget, s.log)
	s.reactor = newReactor(s.gate, s.log)
	return nil
}

// makeLoops makes the loops, each with its engine and its watcher.
func (s *Server) makeLoops() error {
	cfg := s.config()
	engines, err := fanout.NewEngines(cfg.Server.Engine, cfg.Server.LoopCount(), s.log)
	if err != nil {
		return err
	}
	s.engine = fanout.EngineName(engines[0])
	for i, sends := range engines {
		if len(cfg.TLS.Listen) > 0 {
			sends = fanout.WithTLS(sends)
		}
		e := s.reactor.add()
		l := newLoop(i, s.clock, cfg, sends, s.log, s.reg, &s.stats, s.node, e.poke)
		l.gate, l.limits.proxies, e.loop = s.gate, s.node.trusted(), l
		l.onClosed = func(c *conn) { s.gate.leave(c.guest) }
		s.node.loops = append(s.node.loops, l)
	}
	for _, l := range s.node.loops {
		w, err := newWatcher(func(events []unix.EpollEvent) { l.tell(func(now clock.Instant) { l.ready(events, now) }) })
		if err != nil {
			return err
		}
		l.watcher = w
	}
	return nil
}

// release gives back what New has taken, once no loop runs.
func (s *Server) release() {
	if s.node.viewing != nil {
		s.node.viewing.close()
	}
	for _, l := range s.node.loops {
		if l.watcher != nil {
			l.watcher.close()
		}
		l.hub.Close()
	}
	s.closeQuota()
}

// Addrs are the addresses of plain connections that the server listens on; valid once Ready is closed. A reload may
// change them.
func (s *Server) Addrs() []netip.AddrPort { return s.at.Load().plain }

// ReopenLogs has the access log's file opened anew by its name, as after a rotation. Any goroutine.
func (s *Server) ReopenLogs() { s.node.visits.Reopen() }

// TLSAddrs are those of https:// and mmshs://.
func (s *Server) TLSAddrs() []netip.AddrPort { return s.at.Load().secure }

// addresses are where a server listens, in the order of its configuration.
type addresses struct{ plain, secure []netip.AddrPort }

// Ready is closed when the listeners are open.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Run serves until ctx is done, then tells everybody and returns nil. An error says why it could not begin, or could
// not go on.
func (s *Server) Run(ctx context.Context) error {
	s.logs.Start()
	defer s.logs.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.stopping = ctx.Done()
	if err := s.open(); err != nil {
		s.stopAdmin()
		s.closeListeners()
		s.release()
		return err
	}
	defer s.stopAdmin() // last: readyz tells of the stopping
	close(s.ready)
	s.manager.Ready(s.summary())
	defer s.manager.Close()
	s.warn()
	s.log.Info("listening", "addresses", fmt.Sprint(s.Addrs()), "tls", fmt.Sprint(s.TLSAddrs()), "engine", s.engine,
		"loops", len(s.node.loops), "connections", s.gate.most.Load())
	s.sources = ctx
	if s.before != nil {
		s.begin()
	}
	s.watchCertificates()
	for _, l := range s.listeners {
		s.accept(l)
	}
	for _, st := range s.reg.Streams() {
		s.startTasks(st, s.before.tasksOf(st))
	}
	if s.before != nil {
		s.begun()
	}
	s.keepCount(s.node.quota.Load())
	fault := s.keepHouse(ctx)
	if s.handed != nil {
		return s.linger(ctx, cancel)
	}
	s.manager.Stopping(shutdownTime+lastWords, s.summary())
	close(s.over)
	cancel()
	err := errors.Join(fault, s.stop())
	s.node.visits.Close()
	return err
}

// open has the server listen, and begin to be seen by its operator.
func (s *Server) open() error {
	if s.before != nil {
		if err := s.inherit(); err != nil {
			return err
		}
		if err := s.startAdmin(); err != nil { // all is ours: nothing is to end for that
			s.log.Error("upgrade: the admin is not there", "err", err)
		}
		return nil
	}
	if err := s.startAdmin(); err != nil {
		return err
	}
	return s.listen()
}

// listen opens the listeners and starts gnet.
func (s *Server) listen() error {
	plain, err := s.book()
	if err != nil {
		return err
	}
	defer unbook(plain)
	if err := s.listenTLS(); err != nil {
		return err
	}
	s.at.Store(s.addresses(s.config()))
	var names []string
	for _, b := range plain {
		names = append(names, b.name)
	}
	if err := s.reactor.start(names); err != nil {
		return err
	}
	err = s.becomeUser()
	if err == nil {
		err = s.checkQuota()
	}
	if err == nil {
		err = s.node.visits.Start("pumpd "+s.Version, cmp.Or[io.Writer](s.Stdout, os.Stdout))
	}
	if err != nil {
		return errors.Join(err, s.reactor.stop())
	}
	return nil
}

// keepHouse ends streams whose source did not come back, forgets sessions and gives memory back, once a second, and
// commits reloads. It returns when ctx is done, when a drain is over, or with the reason for which gnet has stopped.
func (s *Server) keepHouse(ctx context.Context) error {
	var memory trimmer
	var finished uint64
	var draining *drain
	asked := s.drained
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.reactor.done:
			return s.reactor.why()
		case <-asked:
			if draining = s.beginDrain(); draining == nil {
				return nil
			}
			asked = nil
		case <-draining.look():
			if s.isDrained(draining) {
				return nil
			}
		case do := <-s.orders:
			if do(); s.handed != nil {
				return nil
			}
		case <-tick.C:
			now := s.clock.Now()
			s.reg.Reap(now)
			if over := s.reg.Finished(); s.node.sessions.forget(now) || over != finished {
				memory.burst, finished = true, over
			}
			s.gate.expire(now)
			s.gate.bans.Expire(time.Now())
			s.measure()
			s.spend(time.Now())
			memory.trim(s.gate.inside.Load())
			s.tellManager(now)
			s.settle()
		}
	}
}

// warn tells the log what the configuration was warned of.
func (s *Server) warn() {
	for _, w := range s.config().Warnings {
		s.log.Warn("configuration", "warning", w)
	}
}

// config is the configuration that counts now. Any goroutine.
func (s *Server) config() *config.Config { return s.cfg.Load() }

func graceOf(cfg *config.Config) time.Duration { return time.Duration(cfg.Timeouts.SourceGrace) }
