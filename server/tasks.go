package server

import (
	"context"
	"errors"
	"os"
	"slices"

	"pumpd/server/config"
	"pumpd/server/forward"
	"pumpd/server/play"
	"pumpd/server/pull"
	"pumpd/server/standstill"
	"pumpd/server/stream"
)

// A task goes on for a stream as long as its configuration wants it, on a goroutine of its own.
type task struct {
	// What it is made of: when one of these keys has another value it begins anew, and viewers wait for it as for a source
	// that is lost. All else it asks Stream.Config for.
	keys   []string // of streams
	global []string // of others
	wanted func(*config.Stream) bool
	// It stands still when the running's signal asks it to, and goes on from what the process before has left.
	run func(s *Server, ctx context.Context, st *stream.Stream, r *running, from taken)
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

func (s *Server) playSlate(ctx context.Context, st *stream.Stream, r *running, from taken) {
	play.RunSlate(ctx, st, r.signal, from.play)
}

func (s *Server) playFile(ctx context.Context, st *stream.Stream, r *running, from taken) {
	play.RunFile(ctx, st, r.signal, from.play)
}

func (s *Server) pull(ctx context.Context, st *stream.Stream, r *running, from taken) {
	pull.Run(ctx, st, s.config, s.node.name, r.signal, from.pull)
	st.ShowUpstreams(nil)
}

func (s *Server) forward(ctx context.Context, st *stream.Stream, r *running, from taken) {
	forward.Run(ctx, st, s.config, s.node.name, r.signal, from.forward)
}

// A running is a task that goes on.
type running struct {
	stop   context.CancelCauseFunc
	ended  chan struct{}
	signal *standstill.Signal
}

// A taskSnapshot is what another process needs to go on with a task, one of these at the most. None: it begins anew
// there.
type taskSnapshot struct {
	Pull    *pull.Snapshot
	Play    *play.Snapshot
	Forward *forward.Snapshot
}

// An inheritance is what the process before has left of a task. A nil one is nothing.
type inheritance struct {
	taskSnapshot
	file     *os.File         // that came with it, the task's own; nil: none
	importer *stream.Importer // of its stream
}

// taken is what is left of an inheritance once the stream's claim is taken: one of these at the most.
type taken struct {
	pull    *pull.Inheritance
	play    *play.Inheritance
	forward *forward.Inheritance
}

// check says what in a snapshot cannot be.
func (s *taskSnapshot) check() error {
	switch {
	case s.Pull != nil && s.Play != nil, s.Forward != nil && (s.Pull != nil || s.Play != nil):
		return errors.New("task: is more than one thing")
	case s.Pull != nil:
		return s.Pull.Check()
	case s.Play != nil:
		return s.Play.Check()
	case s.Forward != nil:
		return s.Forward.Check()
	}
	return nil
}

// take takes the stream's claim up, where the task has had it.
func (i *inheritance) take(st *stream.Stream) (t taken) {
	switch {
	case i == nil:
	case i.Pull != nil:
		t.pull = pull.Inherit(st, i.Pull, i.file)
	case i.Play != nil:
		t.play = play.Inherit(st, i.Play, i.file)
	case i.Forward != nil:
		t.forward = forward.Inherit(i.Forward, i.importer)
		i.discard()
	default:
		i.discard()
	}
	return t
}

// discard is for a task that the configuration does not want any more.
func (i *inheritance) discard() {
	if i != nil && i.file != nil {
		i.file.Close()
	}
}

// park has a task stand still, and returns when it does or has ended: then it does nothing to its stream until goOn. An
// error is that of ctx; then too goOn must follow, for it may yet come to where it stands still.
func (r *running) park(ctx context.Context) error { return r.signal.Park(ctx, r.ended) }

// snapshot is what another process needs to go on with a task that stands still, and the descriptor of its socket or
// file, which is valid until goOn or leave; -1: there is none. x has its stream there.
func (r *running) snapshot(x *stream.Exporter) (s taskSnapshot, fd int) {
	state := r.signal.State()
	switch of := state.Snapshot.(type) {
	case *pull.Snapshot:
		s.Pull = of
	case *play.Snapshot:
		s.Play = of
	case *forward.Standing:
		s.Forward = of.Describe(x)
	}
	return s, state.FD
}

// goOn lets a task that stands still go on as if nothing was.
func (r *running) goOn() { r.signal.GoOn() }

// leave ends a task that goes on in another process. It says nothing to its stream, and closes its socket only here.
func (r *running) leave() { r.signal.Leave() }

// runnings are those of all streams, in the order of tasks; nil: that one does not go on. They belong to the server's
// own goroutine.
type runnings map[*stream.Stream][]*running

// startTasks has what the configuration wants begin for a stream that is new, from what it inherits, in the order of
// tasks; nil: nothing. When it returns whoever goes on with the stream's claim has taken it up, and Settle may follow.
func (s *Server) startTasks(st *stream.Stream, from []*inheritance) {
	s.running[st] = make([]*running, len(tasks))
	for i := range tasks {
		var inherited *inheritance
		if i < len(from) {
			inherited = from[i]
		}
		if tasks[i].wanted(st.Config()) {
			s.start(st, i, nil, inherited.take(st))
		} else {
			inherited.discard()
		}
	}
}

// start has a task begin once the one before, if there is one, has ended.
func (s *Server) start(st *stream.Stream, i int, before *running, from taken) {
	ctx, stop := context.WithCancelCause(s.sources)
	r := &running{stop: stop, ended: make(chan struct{}), signal: standstill.NewSignal()}
	s.running[st][i] = r
	s.helpers.Go(func() {
		defer close(r.ended)
		defer stop(nil)
		if before != nil {
			<-before.ended
		}
		tasks[i].run(s, ctx, st, r, from)
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
			s.start(st, i, r, taken{})
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
