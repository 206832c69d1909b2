package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// A puller feeds one stream from its upstreams. To them it is a client like any other: Describe, then Play. It belongs to
// one goroutine.
//
// However an upstream ends, by $E or by a broken connection, the stream is lost and not over: an encoder that was
// restarted or a pump that lost its own source comes back, and viewers wait for that through source_grace. Only the end
// of the puller itself ends the stream.
type puller struct {
	// Set by newPuller, never changed.
	st        *stream
	log       *slog.Logger
	upstreams []*upstream // in order of preference
	dialer    *dialer
	node      *node
	stall     time.Duration // without a packet for so long a connection is given up
	guid      string
}

const (
	dialTime = 5 * time.Second         // for a connection to the only upstream
	failTime = 1400 * time.Millisecond // where there is another one to turn to
	goodRun  = time.Second             // packets for so long, and the next failure is the first again
	maxHops  = 5                       // redirects
)

// describeTime is how long a Describe may stay open behind its header. Then it has nothing more to say, even if it forgot
// to say so.
const describeTime = 2 * time.Second

// runPull keeps a stream fed until ctx is done.
func (s *Server) runPull(ctx context.Context, st *stream) {
	p, err := newPuller(st, s.cfg, s.node)
	if err != nil {
		st.log.Error("pull is not possible", "err", err)
		return
	}
	p.run(ctx)
}

func newPuller(st *stream, c *Config, n *node) (*puller, error) {
	urls := st.cfg.URLs
	if st.cfg.URL != "" {
		urls = []string{st.cfg.URL}
	}
	p := &puller{st: st, log: st.log, node: n, stall: time.Duration(c.Timeouts.PullStall), guid: newGUID()}
	for _, raw := range urls {
		up, err := parseUpstream(raw)
		if err != nil {
			return nil, err
		}
		p.upstreams = append(p.upstreams, up)
	}
	timeout := dialTime
	if len(urls) > 1 {
		timeout = failTime
	}
	d, err := newDialer(c.Proxy, timeout)
	p.dialer = d
	return p, err
}

// run goes through the upstreams in their order until one delivers, and begins with the first again when that one is
// lost. It waits only when it has come to the last or has lost one that was good.
func (p *puller) run(ctx context.Context) {
	for failures := 1; ; failures++ {
		for _, up := range p.upstreams {
			d, err := p.pull(ctx, up)
			if ctx.Err() != nil {
				return
			}
			if d.source == nil { // otherwise the source has told it
				p.log.Warn("pull failed", "from", up, "err", err)
			}
			if d.lasted() >= goodRun {
				failures = 1
				break
			}
		}
		wait := backoff(failures, rand.Float64())
		p.log.Info("pulling again", "in", wait.Round(time.Millisecond))
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// pull does all there is to do with one upstream, until it ends.
func (p *puller) pull(ctx context.Context, up *upstream) (*delivery, error) {
	d := &delivery{puller: p, from: up.String()}
	v := &visit{puller: p, at: up, login: login{user: up.user, password: up.password}}
	a, err := v.ask(ctx, nil)
	if err != nil {
		return d, err
	}
	about, err := a.describe()
	if err == nil && about.packet != nil { // it does not know Describe and is playing already
		return d, d.run(ctx, a, about)
	}
	a.close()
	if err != nil {
		return d, err
	}
	if a, err = v.ask(ctx, about); err != nil {
		return d, err
	}
	return d, d.run(ctx, a, nil)
}

// A visit is a way to one upstream, through redirects and challenges. What was learned for the Describe is used for the
// Play.
type visit struct {
	puller *puller
	at     *upstream
	login  login
	hops   int
}

// ask sends a Describe or, if about is given, a Play, until an answer is a good one.
func (v *visit) ask(ctx context.Context, about *description) (*answer, error) {
	for {
		a, err := v.once(ctx, about)
		if err != nil {
			return nil, err
		}
		again, err := v.judge(a.reply)
		if err == nil && !again {
			return a, nil
		}
		a.close()
		if err != nil {
			return nil, err
		}
	}
}

func (v *visit) once(ctx context.Context, about *description) (*answer, error) {
	l, err := v.puller.dialer.dial(ctx, v.at)
	if err != nil {
		return nil, err
	}
	a := &answer{link: l, stall: v.puller.stall}
	a.release = context.AfterFunc(ctx, func() { l.Close() })
	r := pullRequest{to: v.at, proxy: l.proxy, via: v.puller.node.id, guid: v.puller.guid,
		auth: v.login.field("GET", v.at.target)}
	if about != nil {
		r.play, r.streams, r.clientID, r.known = true, about.streams, about.clientID, about.known
	}
	if err := a.exchange(r.append(nil)); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// judge says whether an answer was only a step on the way.
func (v *visit) judge(r *pullReply) (again bool, err error) {
	if v.puller.node.inVia([]byte(r.via)) {
		return false, errLoop
	}
	switch r.status {
	case 200:
		return false, nil
	case 301, 302, 303, 307, 308:
		return true, v.follow(r)
	case 401:
		return true, v.login.learn(r.challenge)
	}
	return false, fmt.Errorf("upstream answers %d %.80q", r.status, r.reason)
}

func (v *visit) follow(r *pullReply) error {
	if v.hops++; v.hops > maxHops {
		return fmt.Errorf("redirects: more than %d", maxHops)
	}
	to, err := v.at.redirect(r.location)
	if err != nil {
		return err
	}
	v.puller.log.Info("pull is redirected", "from", v.at, "to", to, "status", r.status)
	v.at, v.login = to, login{user: to.user, password: to.password}
	return nil
}

// An answer is an open connection on which an upstream has accepted a request.
type answer struct {
	link    *link
	stall   time.Duration
	release func() bool // ends the watch over the context
	reply   *pullReply
	intake  *intake
}

func (a *answer) close() {
	a.release()
	a.link.Close()
}

func (a *answer) exchange(request []byte) error {
	a.patience(a.stall)
	if _, err := a.link.Write(request); err != nil {
		return err
	}
	reply, body, err := readReply(a.link)
	if err != nil {
		return err
	}
	a.reply, a.intake = reply, newIntake(body)
	return nil
}

// patience is how long from now on whatever is being waited for may take.
func (a *answer) patience(d time.Duration) { a.link.SetDeadline(time.Now().Add(d)) }

// next is the intake's, with errors that say what they mean here.
func (a *answer) next() (event, error) {
	e, err := a.intake.next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w for %v", errStalled, a.stall)
	case errors.Is(err, codec.ErrDesync):
		err = fmt.Errorf("not MMSH, Content-Type is %.80q: %w", a.reply.media, err)
	}
	return e, err
}

var (
	errStalled = errors.New("no packet")
	errEnded   = errors.New("upstream has ended the stream")
)

// A description is what a Describe was answered with.
type description struct {
	header   []byte
	streams  []asf.Stream
	clientID uint32
	known    bool   // there is a clientID
	packet   []byte // the first of a Play that nobody asked for; valid until the next event
}

// describe reads the answer to a Describe. FFmpeg as a server plays whatever it is asked, and once only: where packets
// follow the header, this answer is the Play. Its chunked replies of unknown length tell that it may take a while.
func (a *answer) describe() (*description, error) {
	e, err := a.next()
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	if e.kind != eventHeader {
		return nil, fmt.Errorf("describe: %w before a header", errEnded)
	}
	h, err := asf.ParseHeader(e.data)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	about := &description{header: h.Raw, streams: h.Streams, clientID: a.reply.clientID, known: a.reply.known}
	if !a.reply.chunked {
		a.patience(describeTime)
	}
	if e, err := a.next(); err == nil && e.kind == eventPacket {
		about.packet = e.data
	}
	return about, nil
}

// A delivery is what comes of one upstream: the source that it is for the stream, from its first header on.
type delivery struct {
	puller *puller
	from   string
	source *source // nil until the first header
	first  time.Time
	latest time.Time // of packets
}

func (d *delivery) lasted() time.Duration { return d.latest.Sub(d.first) }

// run feeds the stream until the upstream ends or ctx is done. about is not nil if a Describe turned out to be the Play.
func (d *delivery) run(ctx context.Context, a *answer, about *description) error {
	defer a.close()
	a.patience(a.stall)
	err := d.feed(a, about)
	switch {
	case d.source == nil:
	case ctx.Err() != nil:
		d.source.end()
	default:
		d.source.lost(err)
	}
	return err
}

func (d *delivery) feed(a *answer, about *description) error {
	if about != nil {
		for _, e := range []event{{eventHeader, about.header}, {eventPacket, about.packet}} {
			if err := d.take(e); err != nil {
				return err
			}
		}
	}
	for {
		e, err := a.next()
		if err != nil {
			return err
		}
		if err := d.take(e); err != nil {
			return err
		}
		if e.kind == eventPacket {
			a.patience(a.stall)
		}
	}
}

func (d *delivery) take(e event) (err error) {
	switch e.kind {
	case eventEnd:
		return errEnded
	case eventHeader:
		if d.source == nil {
			if d.source, err = d.puller.st.claim(sourcePull, d.from); err != nil {
				return err
			}
		}
		return d.source.header(e.data)
	}
	d.latest = time.Now()
	if d.first.IsZero() {
		d.first = d.latest
	}
	return d.source.packet(e.data)
}
