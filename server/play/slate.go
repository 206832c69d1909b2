package play

import (
	"cmp"
	"context"
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
	insist(ctx, signal, log, "slate cannot be played", func() error { return keepSlate(ctx, st, signal, from) })
}

// keepSlate returns when ctx is done, or with what went wrong, or ErrLeft.
func keepSlate(ctx context.Context, st *stream.Stream, signal *standstill.Signal, from *Inheritance) error {
	name := st.Config().Slate
	if name == config.SlateBuiltin {
		name = ""
	}
	l := from.take(st, stream.Slate, cmp.Or(name, builtInClip))
	if l != nil {
		if err := resumeSlate(ctx, l, signal, from); err != nil {
			l.close()
			return err
		}
	} else {
		var err error
		if l, err = openLoop(ctx, name, sampleSize); err != nil {
			return err
		}
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
	return finish(ctx, src, l.play(playing, src, signal))
}

// resumeSlate goes on with a slate of the process before.
func resumeSlate(ctx context.Context, l *fileLoop, signal *standstill.Signal, from *Inheritance) error {
	playing, evict := context.WithCancel(ctx)
	defer evict()
	go func() {
		select {
		case <-from.evicted:
			evict()
		case <-playing.Done():
		}
	}()
	return l.goOn(ctx, playing, signal, from)
}
