// Package play feeds streams from ASF files: a stream of its own, or the slate that fills in for a source that is away.
// Each is one goroutine, which reads the file as it plays.
package play

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"pumpd/server/clock"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// A file is a source that plays an ASF file again and again at its own pace, with times that go on from lap to lap:
// for players it is a live stream.

// fileLate: behind by more, the file goes on from now: the machine was asleep, or the disk is slow.
const fileLate = time.Second

// RunFile plays the stream's file until ctx is done. It stands still when signal asks it to, and goes on from what
// another process has left, if that is not nil.
func RunFile(ctx context.Context, st *stream.Stream, signal *standstill.Signal, from *Inheritance) {
	name := st.Config().File
	if name == "" {
		name = builtInClip
	}
	insist(ctx, signal, st.Log().With("file", name), "file cannot be played", func() error {
		err := playFile(ctx, st, name, signal, from)
		if err != nil && !errors.Is(err, standstill.ErrLeft) {
			st.Fail(view.NewError(err, "", st.Clock().Now()))
		}
		return err
	})
}

// insist does something until ctx is done. A file that cannot be played is tried again and again: somebody may be about
// to put it there.
func insist(ctx context.Context, signal *standstill.Signal, log *slog.Logger, complaint string, do func() error) {
	for failures := 1; ; failures++ {
		err := do()
		if ctx.Err() != nil || errors.Is(err, standstill.ErrLeft) {
			return
		}
		wait := clock.Backoff(failures, rand.Float64())
		log.Error(complaint, "err", err, "again_in", wait)
		if signal.Pause(ctx, wait, nothing) != nil {
			return
		}
	}
}

// nothing is the state of one that plays nothing.
func nothing() standstill.State { return standstill.Nothing }

// playFile returns when ctx is done, which ends the stream, or with what went wrong, or ErrLeft.
func playFile(ctx context.Context, st *stream.Stream, name string, signal *standstill.Signal, from *Inheritance) error {
	if l := from.take(st, stream.File, name); l != nil {
		defer l.close()
		return l.goOn(ctx, ctx, signal, from)
	}
	l, err := openLoop(ctx, st.Config().File, sampleSize)
	if err != nil {
		return err
	}
	defer l.close()
	src, err := st.Claim(stream.Claim{Kind: stream.File, Who: name})
	if err != nil {
		return err
	}
	return finish(ctx, src, l.play(ctx, src, signal))
}

// finish lets go of a stream that was played to until err, or the end of a context: of ctx, or the one of the slate
// alone.
func finish(ctx context.Context, src *stream.Source, err error) error {
	switch {
	case errors.Is(err, standstill.ErrLeft):
		src.Yield() // nobody is told, see pull
	case ctx.Err() != nil:
		src.Leave(ctx)
	case err != nil:
		src.Lost(err)
	default:
		src.Yield()
	}
	return err
}

// play feeds a source, from the beginning of the file, until ctx is done (nil), it cannot go on, or it is ErrLeft.
func (l *fileLoop) play(ctx context.Context, src *stream.Source, signal *standstill.Signal) error {
	l.replace(ctx, src)
	l.begin, l.shift = 0, 0
	if err := l.rewind(); err != nil {
		return err
	}
	if err := l.introduce(src); err != nil {
		return err
	}
	return l.run(ctx, src, signal, src.Stream().Clock().Now())
}

// run feeds a source on, where the first packet of all was due at start. The moments that packets are due are counted
// from there and not from one another, so lateness does not add up.
func (l *fileLoop) run(ctx context.Context, src *stream.Source, signal *standstill.Signal, start clock.Instant) error {
	warned := false
	for {
		bad := l.lap.bad
		packet, due, err := l.next(ctx)
		src.Stream().Stats().BadPackets.Add(uint64(l.lap.bad - bad))
		if l.lap.bad > bad && !warned {
			warned = true
			src.Stream().Log().Warn("file has packets that are none, they are left out", "file", l.name, "first", l.lap.flaw)
		}
		if errors.Is(err, io.EOF) {
			var renewed bool
			if renewed, err = l.nextLap(ctx, src); err == nil {
				warned = warned && !renewed
				continue
			}
		}
		if err == nil {
			start, err = l.send(ctx, src, signal, packet, due, start)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil && !errors.Is(err, standstill.ErrLeft):
			return nil
		default:
			return err
		}
	}
}

// send waits until a packet is due and gives it to the source. What is much too late has everything start later.
func (l *fileLoop) send(ctx context.Context, src *stream.Source, signal *standstill.Signal, packet []byte,
	due time.Duration, start clock.Instant) (clock.Instant, error) {
	now := src.Stream().Clock().Now()
	wait := start.Add(due).Since(now)
	if wait < -fileLate {
		start = now.Add(-due)
	}
	err := signal.Pause(ctx, wait, func() standstill.State { return l.state(src, packet, due, start) })
	if err != nil {
		return start, err
	}
	return start, src.Packet(packet)
}

// nextLap begins the next lap, with what is in the file by then.
func (l *fileLoop) nextLap(ctx context.Context, src *stream.Source) (renewed bool, err error) {
	if err := l.again(); err != nil {
		return false, err
	}
	if !l.replace(ctx, src) {
		return false, nil
	}
	return true, l.introduce(src)
}

// replace takes the file as it is now, and says whether that is another one.
func (l *fileLoop) replace(ctx context.Context, src *stream.Source) bool {
	renewed, err := l.renew(ctx)
	switch {
	case renewed:
		src.Stream().Log().Info("file was replaced", "file", l.name)
	case err != nil:
		src.Stream().Log().Error("file was replaced by what cannot be played, the old one plays on", "err", err)
	}
	return renewed
}

// introduce gives a source the file's header. Its clock is nobody else's.
func (l *fileLoop) introduce(src *stream.Source) error {
	if err := src.Header(l.header.Raw); err != nil {
		return err
	}
	src.Follow(stream.TieOther)
	return nil
}
