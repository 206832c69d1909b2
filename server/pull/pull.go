// Package pull feeds streams from other servers: Run keeps one fed, with failover, failback, pairs and demand. What has
// become of the upstreams is the stream's to show. A puller's goroutine owns all of it; each lane's delivery has one of
// its own and sends reports.
package pull

import (
	"context"
	"math/rand/v2"
	"sync"
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

// A puller feeds one stream from its upstreams. To them it is a client like any other: Describe, then Play. At most two
// are read at once, each by a lane; one lane feeds the stream, another stands by:
//
//	upstream ── lane ──┐ reports
//	                   ├──────────▶ puller ── source ──▶ stream
//	upstream ── lane ──┘
//
// There is another lane for a pair all the time; else while the feeding one is silent, and when a preferred upstream is
// good again.
//
// However an upstream ends, by $E or by a broken connection, the stream is lost and not over: an encoder that was
// restarted or a pump that lost its own source comes back, and viewers wait for that through source_grace, after an $E
// for endedGrace. Only the end of the puller itself, or of all interest in a stream on demand, ends the stream at once.
type puller struct {
	// Set by newPuller, never changed.
	*upstream.Client
	st      *stream.Stream
	origins []*origin // in order of preference
	pair    bool      // both upstreams are read at once
	reports chan report
	random  func() float64
	signal  *standstill.Signal // nil: it is never asked to stand still
	from    *Inheritance       // of the process before; nil: nothing

	// Set by run, never changed.
	ctx  context.Context
	work sync.WaitGroup // lanes and probes

	// run's goroutine only.
	lanes    []*lane        // open ones, at most two
	active   *lane          // the one that feeds the stream; nil: none does
	source   *stream.Source // the claim of active; nil without it
	handover *handover
	leftOff  stream.Position // the chain's end when the last claim was given up; 0: none was
	leftBy   *lane
	awake    bool          // of a stream on demand: somebody watches, or did not long ago
	watched  clock.Instant // the last time that somebody did, while awake
	relief   clock.Instant // the next lane for relief: not before
	next     clock.Instant // when to look again if nothing happens
	views    []view.Upstream
}

// A handover is a claim that another source, the slate, is about to let go for a lane.
type handover struct {
	lane    *lane
	source  *stream.Source
	granted chan struct{}
}

// Run keeps a stream fed until ctx is done. now gives the configuration that counts: of the proxy when Run is called,
// of timeouts at any time. It stands still when signal asks it to, and goes on from what another process has left, if
// that is not nil.
func Run(ctx context.Context, st *stream.Stream, now func() *config.Config, pump via.Name, signal *standstill.Signal,
	from *Inheritance) {
	p, err := newPuller(st, now, pump)
	if err != nil {
		from.discard()
		st.Log().Error("pull is not possible", "err", err)
		return
	}
	p.signal, p.from = signal, from
	p.run(ctx)
}

func newPuller(st *stream.Stream, now func() *config.Config, pump via.Name) (*puller, error) {
	c := now()
	d, err := upstream.NewDialer(upstream.DialerOptions{
		Proxy: c.Proxy.URL, ForLocal: c.Proxy.ForLocal, CAFile: st.Config().CAFile, Fingerprints: st.Config().Pins(),
		ClientCert: st.Config().ClientCert, ClientKey: st.Config().ClientKey,
	})
	if err != nil {
		return nil, err
	}
	p := &puller{
		Client: &upstream.Client{Dialer: d, Name: pump, GUID: upstream.NewGUID(), Follow: st.Config().FollowRedirects,
			Stall: func() time.Duration { return time.Duration(now().Timeouts.PullStall) }, Log: st.Log()},
		st:      st,
		pair:    len(st.Config().Pair) > 0,
		reports: make(chan report, 16),
		random:  rand.Float64,
	}
	for i, raw := range st.Config().Upstreams() {
		up, err := upstream.Parse(raw)
		if err != nil {
			return nil, err
		}
		p.origins = append(p.origins, &origin{at: up, url: raw, name: upstream.AsConfigured(raw), rank: i,
			outage: outage.Outage{What: "upstream", Place: "from", Causes: causes}})
	}
	return p, nil
}

// run is the puller's goroutine.
func (p *puller) run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	p.ctx = ctx
	defer p.work.Wait()
	defer p.finish()
	defer stop()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	p.inherit()
	for routine := false; ctx.Err() == nil; {
		if now := p.st.Clock().Now(); !routine || now >= p.next {
			p.next = now.Add(time.Hour)
			p.reconcile(now)
			p.show()
			alarm.Reset(max(p.next.Since(now), time.Millisecond))
		}
		routine = false
		var granted chan struct{}
		if p.handover != nil {
			granted = p.handover.granted
		}
		select {
		case <-ctx.Done():
		case h := <-p.signal.Asked():
			if p.stand(h) != nil {
				return
			}
		case n := <-p.reports:
			routine = p.isRoutine(n)
			p.handle(n, p.st.Clock().Now())
			routine = routine && p.active == n.lane
		case <-granted:
			p.inherited()
		case <-p.st.Wanted(): // by reconcile
		case <-alarm.C:
		}
	}
}

// finish lets go of the stream if it is ours.
func (p *puller) finish() {
	p.withdraw()
	if p.source != nil {
		p.source.Leave(p.ctx)
	}
}

// lookAt makes reconcile look at that moment, if not before.
func (p *puller) lookAt(t clock.Instant) { p.next = min(p.next, t) }
