// Package forward pushes streams on to other servers, as an encoder does (push.md): Run does it for one stream, with a
// goroutine for each server of its configuration, and one more for what that answers. What has become of it is the
// stream's to show.
//
// A forward reads the chain as a viewer does, by a position in it, and holds what the other side may yet ask for. So a
// break of up to forward_buffer leaves no gap there and repeats nothing.
package forward

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/outage"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/upstream"
	"pumpd/server/via"
	"pumpd/server/view"
)

// A forward pushes one stream on to one server. But for what says otherwise, all of it belongs to run's goroutine.
type forward struct {
	// Set by newForwards, never changed.
	st     *stream.Stream
	pump   via.Name
	pusher *upstream.Pusher
	shown  *atomic.Pointer[view.Forward] // any goroutine
	random func() float64

	id       string // push-id, upstream.NoPushID before the server has given one
	met      bool   // the server has accepted the stream before
	position position
	packet   []byte // scratch: without padding
	framed   []byte // scratch: the same in its frame
	news     <-chan struct{}
	failures int           // in a row
	failing  clock.Instant // since when, if there were any
	outage   outage.Outage
	v        view.Forward // as it is shown next
}

const (
	answerTime = 20 * time.Second // in which a server must have answered a setup, or a body that is complete
	goodRun    = time.Second      // of pushing, and the next failure is the first in a row
	steadyRun  = 10 * time.Second // and so much, and the outage is over
	lookTime   = time.Second      // how often a forward that has nothing to do looks after what it holds
)

// Run pushes a stream on to the servers of its configuration until ctx is done, or it is to leave, which signal says.
// now gives the configuration that counts, and from is what the process before has left; nil: nothing.
func Run(ctx context.Context, st *stream.Stream, now func() *config.Config, pump via.Name, signal *standstill.Signal,
	from *Inheritance) {
	all, err := newForwards(st, now(), pump, nil)
	if err != nil {
		st.Log().Error("forward is not possible", "err", err)
		return
	}
	from.restore(all)
	runAll(ctx, all, signal)
	st.ShowForwards(nil)
}

// Try announces a push of a stream to each of the servers of its configuration, and begins none. It gives an error, or
// nil, for each.
func Try(ctx context.Context, c *config.Config, cfg *config.Stream, log *slog.Logger) (errs []error) {
	client, err := newClient(c, cfg, log, via.NewName())
	for _, raw := range cfg.Forward {
		errs = append(errs, cmp.Or(err, try(ctx, client, raw)))
	}
	return errs
}

func try(ctx context.Context, client *upstream.Client, raw string) error {
	to, err := upstream.Parse(raw)
	if err != nil {
		return err
	}
	push, _, err := client.NewPusher(to).SetUp(ctx, upstream.NoPushID, client.Name.Field(nil))
	if err == nil {
		push.Close()
	}
	return err
}

// newClient is what all forwards of a stream go by.
func newClient(c *config.Config, cfg *config.Stream, log *slog.Logger, pump via.Name) (*upstream.Client, error) {
	d, err := upstream.NewDialer(upstream.DialerOptions{
		Proxy: c.Proxy.URL, ForLocal: c.Proxy.ForLocal, CAFile: cfg.ForwardCAFile, Fingerprints: cfg.ForwardFingerprints,
		ClientCert: cfg.ForwardClientCert, ClientKey: cfg.ForwardClientKey,
	})
	if err != nil {
		return nil, err
	}
	return &upstream.Client{Dialer: d, Name: pump, Follow: upstream.FollowPublic, Log: log,
		Stall: func() time.Duration { return answerTime }}, nil
}

type connector func(ctx context.Context, addr string, allow func(netip.Addr) error) (net.Conn, error)

// runAll runs forwards until ctx is done or they have left. To stand still they end their connections, as if those had
// broken, and each knows where to go on.
func runAll(ctx context.Context, all []*forward, signal *standstill.Signal) {
	for {
		h := runUntilAsked(ctx, all, signal)
		if h == nil || h.Stand(ctx, standstill.State{Snapshot: &Standing{all}, FD: -1}) != nil {
			return
		}
	}
}

// runUntilAsked runs them until they are to stand still, or, which is nil, for ctx.
func runUntilAsked(ctx context.Context, all []*forward, signal *standstill.Signal) *standstill.Halt {
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	for _, f := range all {
		work.Go(func() { f.run(ctx) })
	}
	select {
	case <-ctx.Done():
		return nil
	case h := <-signal.Asked():
		return h
	}
}

// newForwards makes those of a stream, and shows them. connect is for tests, see upstream.Dialer; nil: the network.
func newForwards(st *stream.Stream, c *config.Config, pump via.Name, connect connector) (all []*forward, err error) {
	cfg := st.Config()
	client, err := newClient(c, cfg, st.Log(), pump)
	if err != nil {
		return nil, err
	}
	if connect != nil {
		client.Dialer.Connect = connect
	}
	views := make(stream.ForwardViews, len(cfg.Forward))
	for i, raw := range cfg.Forward {
		to, err := upstream.Parse(raw)
		if err != nil {
			return nil, err
		}
		f := &forward{st: st, pump: pump, pusher: client.NewPusher(to), shown: &views[i], random: rand.Float64,
			id: upstream.NoPushID, outage: outage.Outage{What: "forward", Place: "to", Causes: causes}}
		f.v.Name = upstream.AsConfigured(raw)
		f.show(view.ForwardWaiting)
		all = append(all, f)
	}
	st.ShowForwards(views)
	return all, nil
}

var (
	errStalled = errors.New("the line takes nothing")
	errOver    = errors.New("the stream is over") // not a failure
)

// causes are the words for errors that only a forward has.
var causes = []outage.Cause{
	{Err: errStalled, Word: "stalled"},
	{Err: errNoAnswer, Word: "no_answer"},
	{Err: errReplaced, Word: "replaced"},
	{Err: upstream.ErrNoPush, Word: "no_push"},
}

// run is the forward's goroutine.
func (f *forward) run(ctx context.Context) {
	news, stop := f.st.Hear()
	defer stop()
	f.news = news
	for f.await(ctx) {
		lasted, err := f.connect(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errOver):
			f.id, f.met, f.position = upstream.NoPushID, false, position{}
			f.st.Log().Info("forward has ended with the stream", "to", f.v.Name)
		default:
			f.rest(ctx, err, lasted)
		}
	}
}

func (f *forward) now() clock.Instant { return f.st.Clock().Now() }

// await waits until there is something to push. It is false at the end of ctx.
func (f *forward) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		f.position.hold(f.now(), f.buffer(), f.st.Joins())
		if f.position.pending() || !f.position.set() && f.st.Up() != nil {
			return true
		}
		f.show(view.ForwardWaiting)
		f.listen(ctx, lookTime)
	}
	return false
}

// listen waits for news, or so long.
func (f *forward) listen(ctx context.Context, long time.Duration) {
	alarm := time.NewTimer(long)
	defer alarm.Stop()
	select {
	case <-ctx.Done():
	case <-f.news:
	case <-alarm.C:
	}
}

// rest is what follows a failure: a pause, in which what is held becomes too old, and so less.
func (f *forward) rest(ctx context.Context, err error, pushed time.Duration) {
	if pushed >= goodRun {
		f.failures = 0
	}
	now := f.now()
	if f.failures++; f.failures == 1 {
		f.failing = now
	}
	f.outage.Log(f.st.Log(), f.v.Name, err, false, now)
	pause := f.pauseAfter(err, now)
	f.v.Failures, f.v.Last, f.v.Again = f.outage.Tries, f.outage.Last, now.Add(pause)
	for until := f.v.Again; f.now() < until && ctx.Err() == nil; {
		f.position.hold(f.now(), f.buffer(), f.st.Joins())
		f.show(view.ForwardFailed)
		_ = clock.Pause(ctx, min(lookTime, until.Since(f.now()))) // cut short only at the end
	}
}

// pauseAfter says how long to wait before the next connection. One that only broke is made again soon, as long as that
// may be without a gap. A server that refuses us may do so for good; and one that takes another encoder in our place is
// left to that one for a while, for else the two would take turns.
func (f *forward) pauseAfter(err error, now clock.Instant) time.Duration {
	status, refused := errors.AsType[*upstream.StatusError](err)
	switch {
	case refused && errors.Is(err, errReplaced):
		return clock.Backoff(manyFailures, f.random())
	case refused:
		return max(clock.Backoff(f.failures, f.random()), status.After)
	case errors.Is(err, upstream.ErrNoPush), !f.position.set(), now.Since(f.failing) > f.buffer():
		return clock.Backoff(f.failures, f.random())
	}
	return clock.UrgentBackoff(f.failures, f.random())
}

// manyFailures is as many as make the longest pause.
const manyFailures = 100

// buffer is for how long packets are held that the server may not have: forward_buffer, and what it takes to notice
// that a connection is broken and to make another.
func (f *forward) buffer() time.Duration {
	if b := time.Duration(f.st.Config().ForwardBuffer); b > 0 {
		return b + noticeTime
	}
	return 0
}

const noticeTime = 10 * time.Second

// show publishes how the forward does.
func (f *forward) show(s view.ForwardState) {
	f.v.State = s
	f.v.Lag = f.position.lag(f.now())
	v := f.v
	f.shown.Store(&v)
}
