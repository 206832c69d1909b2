package server

import (
	"context"
	"time"
)

// A slate is a file that plays while a stream's source is away. It gives way to a real source at that one's first key
// frame, see push.header. Its header is mostly another than the source's, and viewers cross as by mmsh.md §9; a file that
// was made with the source's own settings has the same one, and then they see no seam.

// runSlate plays the slate of a stream whenever nobody else has fed it for slate_after, until ctx is done.
func (s *Server) runSlate(ctx context.Context, st *stream) {
	name := st.cfg.Slate
	if name == slateBuiltin {
		name = ""
	}
	l, err := openLoop(name)
	if err != nil {
		st.log.Error("slate cannot be played", "slate", st.cfg.Slate, "err", err)
		return
	}
	for pause(ctx, slateCheck) == nil {
		s.playSlate(ctx, st, l)
	}
}

const slateCheck = 50 * time.Millisecond

func (s *Server) playSlate(ctx context.Context, st *stream, l *fileLoop) {
	playing, evict := context.WithCancel(ctx)
	defer evict()
	src := st.reg.claimVacant(st, sourceSlate, st.cfg.Slate, time.Duration(st.cfg.SlateAfter), evict)
	if src == nil {
		return
	}
	st.log.Info("source is away, the slate plays")
	err := l.play(playing, src)
	switch {
	case ctx.Err() != nil:
		src.end()
	case err != nil:
		src.lost(err)
	default:
		src.yield()
	}
}
