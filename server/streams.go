package server

import (
	"context"
	"slices"

	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/forward"
	"pumpd/server/play"
	"pumpd/server/pull"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// Streams come and go with the configuration, and with them what feeds them.

// A task goes on for a stream as long as its configuration wants it, on a goroutine of its own.
type task struct {
	// What it is made of: when one of these keys has another value it begins anew, and viewers wait for it as for a source
	// that is lost. All else it asks Stream.Config for.
	keys   []string // of streams
	global []string // of others
	wanted func(*config.Stream) bool
	run    func(*Server, context.Context, *stream.Stream)
}

var tasks = []task{
	{
		keys:   []string{"streams[].slate"},
		wanted: func(c *config.Stream) bool { return c.Slate != "" },
		run:    (*Server).playSlate,
	},
	{
		keys:   []string{"streams[].type", "streams[].file"},
		wanted: func(c *config.Stream) bool { return c.Type == config.TypeFile },
		run:    (*Server).playFile,
	},
	{
		keys: []string{
			"streams[].type", "streams[].url", "streams[].urls", "streams[].pair", "streams[].ca_file",
			"streams[].fingerprint", "streams[].follow_redirects", "streams[].client_cert", "streams[].client_key",
		},
		global: []string{"proxy.url", "proxy.for_local"},
		wanted: func(c *config.Stream) bool { return c.Type == config.TypePull },
		run:    (*Server).pull,
	},
	{
		keys: []string{
			"streams[].forward", "streams[].forward_ca_file", "streams[].forward_fingerprints",
			"streams[].forward_client_cert", "streams[].forward_client_key",
		},
		global: []string{"proxy.url", "proxy.for_local"},
		wanted: func(c *config.Stream) bool { return len(c.Forward) > 0 },
		run:    (*Server).forward,
	},
}

// askedOfStreams are the keys that whoever needs them asks Stream.Config for, each time, or that prepareStreams makes
// something of.
var askedOfStreams = []string{
	"streams[].path", "streams[].enabled", // by which it is another stream
	"streams[].title", "streams[].hold", "streams[].slate_after",
	"streams[].max_viewers", "streams[].max_bandwidth", "streams[].bitrate",
	"streams[].view_users", "streams[].view_from", "streams[].view_keys", "streams[].view_satisfy",
	"streams[].auth_url", "streams[].auth_fail", "streams[].auth_ttl", "streams[].auth_timeout",
	"streams[].push_users", "streams[].push_certs", "streams[].push_from", "streams[].on_second_push",
	"streams[].failback", "streams[].pair_switch", "streams[].on_demand", "streams[].idle_close",
	"streams[].forward_buffer", "streams[].forward_lag",
}

func (s *Server) playSlate(ctx context.Context, st *stream.Stream) { play.RunSlate(ctx, st) }
func (s *Server) playFile(ctx context.Context, st *stream.Stream)  { play.RunFile(ctx, st) }

func (s *Server) pull(ctx context.Context, st *stream.Stream) {
	pull.Run(ctx, st, s.config, s.node.name)
	st.ShowUpstreams(nil)
}

func (s *Server) forward(ctx context.Context, st *stream.Stream) {
	forward.Run(ctx, st, s.config, s.node.name)
}

// A running is a task that goes on.
type running struct {
	stop  context.CancelCauseFunc
	ended chan struct{}
}

// runnings are those of all streams, in the order of tasks; nil: that one does not go on. They belong to the server's
// own goroutine.
type runnings map[*stream.Stream][]*running

// startTasks has what the configuration wants begin for a stream that is new.
func (s *Server) startTasks(st *stream.Stream) {
	s.running[st] = make([]*running, len(tasks))
	for i := range tasks {
		if tasks[i].wanted(st.Config()) {
			s.start(st, i, nil)
		}
	}
}

// start has a task begin once the one before, if there is one, has ended.
func (s *Server) start(st *stream.Stream, i int, before *running) {
	ctx, stop := context.WithCancelCause(s.sources)
	r := &running{stop: stop, ended: make(chan struct{})}
	s.running[st][i] = r
	s.helpers.Go(func() {
		defer close(r.ended)
		defer stop(nil)
		if before != nil {
			<-before.ended
		}
		tasks[i].run(s, ctx, st)
	})
}

// restartTasks ends what a stream's configuration does not want any more, and begins what it wants now.
func (s *Server) restartTasks(st *stream.Stream, changed, global []string) {
	for i := range tasks {
		t, r := &tasks[i], s.running[st][i]
		wanted := t.wanted(st.Config())
		if r != nil && wanted && !common(t.keys, changed) && !common(t.global, global) {
			continue
		}
		if r != nil {
			r.stop(stream.ErrFollowed)
			s.running[st][i] = nil
		}
		if wanted {
			s.start(st, i, r)
		}
	}
}

// restartsSource says whether something of a stream ends or begins anew when those keys, of it and outside of streams,
// change.
func restartsSource(was *config.Stream, changed, global []string) bool {
	return slices.ContainsFunc(tasks, func(t task) bool {
		return t.wanted(was) && (common(t.keys, changed) || common(t.global, global))
	})
}

// stopTasks ends all that goes on for a stream that is no more.
func (s *Server) stopTasks(st *stream.Stream) {
	for _, r := range s.running[st] {
		if r != nil {
			r.stop(nil)
		}
	}
	delete(s.running, st)
}

func common(a, b []string) bool {
	return slices.ContainsFunc(a, func(key string) bool { return slices.Contains(b, key) })
}

// newStream makes one that nobody knows yet.
func (s *Server) newStream(cfg *config.Stream, server *config.Server) *stream.Stream {
	s.made++
	return stream.New(s.made, cfg, s.log, s.clock, server, s.node.bell)
}

// prepareStreams makes the streams that are new, and what of the others has to be parsed.
func (s *Server) prepareStreams(c *change) error {
	known := map[string]*stream.Stream{}
	for _, st := range s.reg.Streams() {
		known[st.Config().Path] = st
	}
	var all []*stream.Stream
	pushers, viewers := pushRightsByStream{}, viewRightsByStream{}
	viewing := s.node.viewing
	c.instead(func() { viewing.replace(*viewing.rights.Load()) }) // whom it would have asked
	for i := range c.to.Streams {
		cfg := &c.to.Streams[i]
		if !cfg.Enabled {
			continue
		}
		st := known[cfg.Path]
		if st == nil {
			st = s.newStream(cfg, &c.to.Server)
		}
		var err error
		if pushers[st], err = parsePushRights(cfg); err != nil {
			return err
		}
		if viewers[st], err = viewing.parse(cfg); err != nil {
			return err
		}
		all = append(all, st)
	}
	c.then(func() {
		s.node.access.replace(pushers)
		viewing.replace(viewers)
		s.setStreams(c, all, known)
	})
	return nil
}

// setStreams makes all the streams that there are, of which known were there before, by path.
func (s *Server) setStreams(c *change, all []*stream.Stream, known map[string]*stream.Stream) {
	for i := range c.to.Streams {
		cfg := &c.to.Streams[i]
		if st := known[cfg.Path]; st != nil && cfg.Enabled {
			st.Configure(cfg, &c.to.Server)
		}
	}
	for _, st := range all {
		s.node.ledger.SetStream(st.ID(), streamAdmission(st.Config()))
	}
	s.reg.SetStreams(all)
	for _, cfg := range c.diff.Removed {
		s.retire(known[cfg.Path])
	}
	changed := map[string][]string{}
	for _, d := range c.diff.Changed {
		st := known[d.To.Path]
		changed[d.To.Path] = d.Keys
		if d.From.Type != d.To.Type {
			s.dropPushes(st)
		} else if common(pushKeys, d.Keys) {
			s.recheckPushes(st, d)
		}
		st.Want() // a pull sleeps until something happens
	}
	for _, st := range all {
		if s.running[st] == nil {
			s.startTasks(st)
		} else {
			s.restartTasks(st, changed[st.Config().Path], c.diff.Keys)
		}
	}
}

// retire ends a stream that is not in the configuration any more: its viewers and its encoder are told, its source
// goes.
func (s *Server) retire(st *stream.Stream) {
	s.node.tell(func(l *loop, now clock.Instant) { l.retire(st, now) })
	s.node.ledger.Forget(st.ID())
	s.stopTasks(st)
	st.Retire()
}

// dropPushes ends the pushes to a stream that has another kind of source now.
func (s *Server) dropPushes(st *stream.Stream) {
	s.node.tell(func(l *loop, now clock.Instant) {
		l.endPushes(st, everyPush, 403, "this stream has a source of its own now", reason.Replaced)
	})
}

// pushKeys say who may push.
var pushKeys = []string{"streams[].push_users", "streams[].push_from", "streams[].push_certs"}

// recheckPushes ends the pushes that would not be let in any more. Whoever has shown a password must show one again
// where any has been taken away: which one it was is not remembered. An encoder that may push comes back at once.
func (s *Server) recheckPushes(st *stream.Stream, d config.StreamChange) {
	gone := func(user auth.Secret) bool { return !slices.Contains(d.To.PushUsers, user) }
	anew := slices.ContainsFunc(d.From.PushUsers, gone) || len(d.From.PushUsers) == 0 && len(d.To.PushUsers) > 0
	if anew {
		s.node.access.forgetIDs(st)
	}
	rights := s.node.access.of(st)
	s.node.tell(func(l *loop, _ clock.Instant) {
		may := func(c *conn) bool { return !anew && rights.bars(c.listed(), c.local(), c.certificate()) == "" }
		l.endPushes(st, func(c *conn) bool {
			c.push.barred = !may(c)
			return c.push.barred
		}, 403, "who may push to this stream has changed", reason.Refused)
	})
}

// retire ends what the loop has of a stream that is no more. Whoever waits for it asks again, and is told so.
func (l *loop) retire(st *stream.Stream, now clock.Instant) {
	l.unholdAll(st, now)
	l.endPushes(st, everyPush, 404, "this stream is no more", reason.StreamRemoved)
	l.hub.Retire(st, reason.StreamRemoved, now)
}

func everyPush(*conn) bool { return true }

// endPushes tells the encoders of a stream of which that is true that they are not wanted any more.
func (l *loop) endPushes(st *stream.Stream, which func(*conn) bool, code int, text string, why reason.Reason) {
	l.owner.check()
	for _, c := range l.conns {
		switch {
		case c == nil || c.push == nil || c.push.stream != st || !which(c):
		case c.phase == feeding:
			l.dropEncoder(c, code, text, why)
		default:
			l.mark(c, why)
		}
	}
}
