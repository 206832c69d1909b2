package play

import (
	"context"
	"errors"
	"time"

	"pumpd/server/config"
	"pumpd/server/standstill"
	"pumpd/server/stream"
)

// A slate is a file that plays while a stream's source is away. It gives way to a real source at that one's first key
// frame, see push.header. Its header is mostly another than the source's, and viewers cross as by mmsh.md §9; a file
// that was made with the source's own settings has the same one, and then they see no seam.

// RunSlate plays the slate of a stream whenever nobody else has fed it for slate_after, until ctx is done. It
// stands still when signal asks it to, and goes on from what another process has left, if that is not nil.
func RunSlate(ctx context.Context, st *stream.Stream, signal *standstill.Signal, from *Inheritance) {
	log := st.Log().With("slate", st.Config().Slate)
	insist(ctx, signal, log, "slate cannot be played", func() error { return keepSlate(ctx, st, signal) })
}

// keepSlate returns when ctx is done, or with what went wrong, or ErrLeft.
func keepSlate(ctx context.Context, st *stream.Stream, signal *standstill.Signal) error {
	name := st.Config().Slate
	if name == config.SlateBuiltin {
		name = ""
	}
	l, err := openLoop(ctx, name, sampleSize)
	if err != nil {
		return err
	}
	defer l.close()
	for {
		if err := signal.Pause(ctx, slateCheck, nothing); err != nil {
			return err
		}
		if err := playSlate(ctx, st, l, signal); err != nil {
			return err
		}
	}
}

const slateCheck = 50 * time.Millisecond

func playSlate(ctx context.Context, st *stream.Stream, l *fileLoop, signal *standstill.Signal) error {
	playing, evict := context.WithCancel(ctx)
	defer evict()
	slate := stream.Claim{Kind: stream.Slate, Who: st.Config().Slate, Evict: evict}
	src := st.ClaimVacant(slate, time.Duration(st.Config().SlateAfter))
	if src == nil {
		return nil
	}
	st.Log().Info("source is away, the slate plays")
	err := l.play(playing, src, signal)
	switch {
	case errors.Is(err, standstill.ErrLeft):
		src.Yield()
	case ctx.Err() != nil:
		src.Leave(ctx)
	case err != nil:
		src.Lost(err)
	default:
		src.Yield()
	}
	return err
}
