package server

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
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

const goodRun = time.Second // packets for so long, and the next failure is the first again

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
	d, err := newDialer(c.Proxy, st.cfg)
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
