// Package stream is one writer's chain, its claims and its times: what Windows Media calls a publishing point. A push,
// a pull or a file claims a Stream and feeds it as its Source; viewers walk the chain of Elements.
//
// The chain belongs to whoever holds the claim, one goroutine at a time; an element is everybody's once it is linked,
// and changes no more. Claims are under the Registry's mutex, which no packet takes. All else is atomic.
package stream

import (
	"log/slog"
	"sync/atomic"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/view"
)

// A Stream is what Windows Media calls a publishing point: one source writes its chain, viewers on all loops read it.
type Stream struct {
	// Set by New, never changed.
	id     int // tells it from all others that there ever were
	log    *slog.Logger
	clock  clock.Clock
	ring   func(loop int, now clock.Instant) // tells a loop that the chain has grown
	reg    *Registry
	stats  Stats         // atomic counters
	wanted chan struct{} // holds one sign that somebody watches or waits

	// Any goroutine. What these point to does not change; a reload replaces it.
	cfg    atomic.Pointer[config.Stream]
	tuning atomic.Pointer[tuning]

	// Any goroutine.
	joins   atomic.Pointer[Joins]  // nil: there is nothing to watch
	loops   loopSet                // those that have viewers or hold some
	ears    ears                   // of goroutines that are no loops
	leisure leisure                // how its source reads
	state   atomic.Int32           // State, for those who only look
	vain    atomic.Bool            // while orphaned: a source has come back, and so far with a header only
	via     atomic.Pointer[string] // of a pull: Via of the upstream, the pumps behind this one

	upstreams atomic.Pointer[[]view.Upstream] // of a pull, in order of preference; nil: it does not run yet
	fault     atomic.Pointer[view.Error]      // of a file: why it did not play
	forwards  atomic.Pointer[ForwardViews]    // nil: it is not pushed on
	loss      atomic.Pointer[Loss]            // of the source that was lost last; nil: none was

	// Under the registry's mutex.
	writer   *Source       // nil: nobody writes
	heir     *heir         // waits for writer to let go
	vacant   clock.Instant // since when nobody writes; who claims and writes nothing does not count
	patience time.Duration // and for how long viewers wait for that
	absent   pusher        // the encoder that fed the stream last; it goes before others
	until    clock.Instant // then
	retired  bool          // nobody gets the claim any more

	unresumed bool // writer came from another process, and nobody goes on in its place yet

	// The claim's holder only.
	chain chain
}

// A tuning is what of the configuration's [server] a stream's writer looks at.
type tuning struct {
	burst config.Burst
	short bool // keep a short form of packets for MMSH viewers
}

// New makes a stream with an id that no other has or had. ring is called by whoever writes, for each loop that listens:
// it must not wait.
func New(id int, cfg *config.Stream, log *slog.Logger, c clock.Clock, server *config.Server,
	ring func(loop int, now clock.Instant)) *Stream {
	st := &Stream{
		id:      id,
		log:     log.With("stream", cfg.Path),
		clock:   c,
		ring:    ring,
		wanted:  make(chan struct{}, 1),
		leisure: leisure{calls: make(chan struct{}, 1)},
	}
	st.Configure(cfg, server)
	return st
}

// Configure has another configuration, of the same path, count from now on: for the next packet, the next request, the
// next look of whoever asks Config. Neither changes any more. What a source was made of, its type and where it comes
// from, is for the caller to begin anew. One goroutine at a time.
func (st *Stream) Configure(cfg *config.Stream, server *config.Server) {
	if t := (tuning{server.Burst, server.StripPadding}); st.tuning.Load() == nil || *st.tuning.Load() != t {
		st.tuning.Store(&t)
	}
	st.cfg.Store(cfg)
}

// A State is the life of a stream as an operator sees it.
type State int32

const (
	Idle     State = iota // no packet yet: viewers get 503; then live
	Live                  // a source writes; then orphaned or idle
	Orphaned              // the source is lost, viewers wait for source_grace; then live or idle
)

func (s State) String() string {
	return [...]string{"idle", "live", "orphaned"}[s]
}

// Config is what the configuration says of the stream now. It does not change; a reload replaces it. Any goroutine.
func (st *Stream) Config() *config.Stream { return st.cfg.Load() }

// ID is a number that no other stream has or had.
func (st *Stream) ID() int { return st.id }

// Log is where what happens to the stream is told; its lines name it.
func (st *Stream) Log() *slog.Logger { return st.log }

// Clock is the one that all moments of the stream are of.
func (st *Stream) Clock() clock.Clock { return st.clock }

// Stats are the stream's counters, for any goroutine to read and add to.
func (st *Stream) Stats() *Stats { return &st.stats }

// Wanted holds a sign that somebody watches or waits, for a source on demand.
func (st *Stream) Wanted() <-chan struct{} { return st.wanted }

// Joins says where viewers may start and go on, nil where there is nothing to watch. Any goroutine. Newcomers ask Up.
func (st *Stream) Joins() *Joins { return st.joins.Load() }

// bell tells the loops for which it matters that the chain has grown.
func (st *Stream) bell(now clock.Instant) {
	st.loops.each(func(id int) { st.ring(id, now) })
	st.ears.tell()
}

// Up says whether a newcomer can be served, and where. While a source is back that has nothing to show, and after it,
// there is only what was left over, and the next packet may never come.
func (st *Stream) Up() *Joins {
	if st.vain.Load() {
		return nil
	}
	return st.joins.Load()
}

// setState is for the claim's holder and, while nobody holds it, for whoever holds the registry's mutex.
func (st *Stream) setState(s State) {
	st.state.Store(int32(s))
	if s != Orphaned {
		st.vain.Store(false)
	}
}

// State is how the stream lives now. Any goroutine.
func (st *Stream) State() State { return State(st.state.Load()) }

// Header is the one of what there is to watch, nil where there is nothing. Any goroutine.
func (st *Stream) Header() *asf.Header {
	if j := st.joins.Load(); j != nil {
		return j.Gen.header
	}
	return nil
}

// Backlog is how much of the stream a newcomer gets at once. Any goroutine.
func (st *Stream) Backlog() time.Duration {
	if j := st.joins.Load(); j != nil {
		return j.back
	}
	return 0
}

// Feeder says who feeds the stream; false: nobody does. Any goroutine.
func (st *Stream) Feeder() (kind Kind, who string, ok bool) {
	s := st.Writer()
	if s == nil {
		return 0, "", false
	}
	return s.claim.Kind, s.claim.Who, true
}

// Silence is how long ago the last packet of a source came, the slate's not counted; false: there was none. Any
// goroutine.
func (st *Stream) Silence() (time.Duration, bool) {
	last := clock.Instant(st.stats.lastPacket.Load()) // before the clock: the next packet may be coming in
	return st.clock.Now().Since(last), last != 0
}

// Want tells a source on demand that somebody waits or watches.
func (st *Stream) Want() {
	select {
	case st.wanted <- struct{}{}:
	default:
	}
}

// Watched is how many viewers there are and wait.
func (st *Stream) Watched() int64 { return st.stats.Viewers.Load() + st.stats.Held.Load() }

// SetVia is for a pull: the Via of its upstream, which names the pumps behind this one.
func (st *Stream) SetVia(via string) { st.via.Store(&via) }

// Via is what SetVia was given last, nil: nothing yet.
func (st *Stream) Via() *string { return st.via.Load() }

// ShowUpstreams publishes what a pull makes of its upstreams, in order of preference. The caller changes views no more.
func (st *Stream) ShowUpstreams(views []view.Upstream) { st.upstreams.Store(&views) }

// Upstreams is what ShowUpstreams was given last; nil while no pull runs. Any goroutine.
func (st *Stream) Upstreams() []view.Upstream {
	if views := st.upstreams.Load(); views != nil {
		return *views
	}
	return nil
}

// ForwardViews are what becomes of a stream's forwards, in the order of the configuration. Each is replaced by the
// goroutine that does it; what it points to changes no more.
type ForwardViews []atomic.Pointer[view.Forward]

// ShowForwards publishes those of a stream that is pushed on from now on; nil: it is not any more.
func (st *Stream) ShowForwards(views ForwardViews) { st.forwards.Store(&views) }

// Forwards is how the stream's forwards do. Any goroutine.
func (st *Stream) Forwards() (list []view.Forward) {
	views := st.forwards.Load()
	if views == nil {
		return nil
	}
	for i := range *views {
		if v := (*views)[i].Load(); v != nil {
			list = append(list, *v)
		}
	}
	return list
}

// Fail keeps why the stream's file did not play.
func (st *Stream) Fail(fault view.Error) { st.fault.Store(&fault) }

// Fault is why the stream's file did not play last; zero: it has always played.
func (st *Stream) Fault() view.Error {
	if fault := st.fault.Load(); fault != nil {
		return *fault
	}
	return view.Error{}
}

// Loss is that of the source that was lost last, nil if none was. It does not change. Any goroutine.
func (st *Stream) Loss() *Loss { return st.loss.Load() }

// Listen has the stream's bell ring for a loop, by its id, when the chain grows.
func (st *Stream) Listen(id int) { st.loops.add(id) }

// Unlisten ends what Listen has begun, and CalledBy.
func (st *Stream) Unlisten(id int) {
	st.loops.remove(id)
	st.CalledBy(id, false)
}
