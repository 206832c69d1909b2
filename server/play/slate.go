package play

import (
	"context"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// A slate is a file that plays while a stream's source is away. It gives way to a real source at that one's first key
// frame, see push.header. Its header is mostly another than the source's, and viewers cross as by mmsh.md §9; a file
// that was made with the source's own settings has the same one, and then they see no seam.

// RunSlate plays the slate of a stream whenever nobody else has fed it for slate_after, until ctx is done.
func RunSlate(ctx context.Context, st *stream.Stream) {
	log := st.Log().With("slate", st.Config().Slate)
	insist(ctx, log, "slate cannot be played", func() error { return keepSlate(ctx, st) })
}

// keepSlate returns when ctx is done, or with what went wrong.
func keepSlate(ctx context.Context, st *stream.Stream) error {
	name := st.Config().Slate
	if name == config.SlateBuiltin {
		name = ""
	}
	l, err := openLoop(ctx, name, sampleSize)
	if err != nil {
		return err
	}
	defer l.close()
	for clock.Pause(ctx, slateCheck) == nil {
		if err := playSlate(ctx, st, l); err != nil {
			return err
		}
	}
	return nil
}

const slateCheck = 50 * time.Millisecond

func playSlate(ctx context.Context, st *stream.Stream, l *fileLoop) error {
	playing, evict := context.WithCancel(ctx)
	defer evict()
	slate := stream.Claim{Kind: stream.Slate, Who: st.Config().Slate, Evict: evict}
	src := st.ClaimVacant(slate, time.Duration(st.Config().SlateAfter))
	if src == nil {
		return nil
	}
	st.Log().Info("source is away, the slate plays")
	err := l.play(playing, src)
	switch {
	case ctx.Err() != nil:
		src.Leave(ctx)
	case err != nil:
		src.Lost(err)
	default:
		src.Yield()
	}
	return err
}
