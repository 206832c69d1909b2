package play

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/standstill"
	"pumpd/server/stream"
)

// A Snapshot is what another process needs to go on with a file or a slate where it was: what is to be sent next and
// when, and where in the file it goes on after that.
type Snapshot struct {
	Slate bool
	Name  string // of the file, or of the built-in clip

	Packet []byte        // the next one, with its times moved
	Due    time.Duration // and when, counted from Start
	Start  clock.Instant // when the first of all was due
	Begin  time.Duration // of this lap, from Start
	Shift  uint32        // ms that its times are moved by

	// Of this lap.
	Measure   asf.Lap
	Number    int           // packets of the file that have been read
	Follows   []byte        // the one that was read behind Packet; nil: none was
	FollowDue time.Duration // from the lap's beginning
	Good, Bad int
	Flaw      string // what was wrong with the first bad one
}

// Limits of what is believed.
const (
	mostPackets = 1 << 40       // of a file
	farthestDue = 2 * time.Hour // from now, for the next packet
)

// Check says what in a snapshot cannot be.
func (s *Snapshot) Check() error {
	for name, n := range map[string]int{"packets read": s.Number, "good packets": s.Good, "bad packets": s.Bad} {
		if n < 0 || n > mostPackets {
			return fmt.Errorf("play: %s: %d, want 0 to %d", name, n, mostPackets)
		}
	}
	if s.Due < 0 || s.Begin < 0 || s.FollowDue < 0 {
		return fmt.Errorf("play: due after %v, %v in a lap, which begins after %v", s.Due, s.FollowDue, s.Begin)
	}
	return nil
}

// An Inheritance is what the process before has left of a file or a slate.
type Inheritance struct {
	snapshot *Snapshot
	source   *stream.Source
	file     *os.File      // nil: it is the built-in clip
	evicted  chan struct{} // closed when the slate is to let go
}

// Inherit takes what there is from the process before: the stream's claim and the open file, which are to be given to
// RunFile or RunSlate. The snapshot has been checked.
func Inherit(st *stream.Stream, s *Snapshot, file *os.File) *Inheritance {
	from := &Inheritance{snapshot: s, file: file, evicted: make(chan struct{})}
	w := st.Writer()
	switch {
	case w == nil:
	case s.Slate && w.Kind() == stream.Slate:
		from.source = st.Resume(sync.OnceFunc(func() { close(from.evicted) }))
	case !s.Slate && w.Kind() == stream.File:
		from.source = st.Resume(nil)
	}
	return from
}

// state is what another process needs while packet waits until it is due.
func (l *fileLoop) state(src *stream.Source, packet []byte, due time.Duration, start clock.Instant) standstill.State {
	t := &l.lap
	s := &Snapshot{Slate: src.Kind() == stream.Slate, Name: l.name, Packet: packet, Due: due, Start: start,
		Begin: l.begin, Shift: l.shift, Measure: t.measure, Number: t.number, Follows: t.next.b, FollowDue: t.next.due,
		Good: t.good, Bad: t.bad}
	if t.flaw != nil {
		s.Flaw = t.flaw.Error()
	}
	fd := -1
	if f, ok := l.file.(*os.File); ok {
		fd = int(f.Fd())
	}
	return standstill.State{Snapshot: s, FD: fd}
}

// take gives the loop with which the process before left off, once. nil: there is none that could go on as the source
// of that kind, with the file of that name; then the stream is vacant.
func (i *Inheritance) take(st *stream.Stream, kind stream.Kind, name string) *fileLoop {
	if i == nil || i.snapshot == nil {
		return nil
	}
	s := i.snapshot
	i.snapshot = nil
	if i.source != nil && i.source.Kind() == kind && s.Name == name {
		l, err := s.loop(i.file, i.source.Published(), st.Clock().Now())
		if err == nil {
			i.snapshot = s
			return l
		}
		st.Log().Warn("file cannot go on where it was in the process before", "file", name, "err", err)
	}
	if i.file != nil {
		i.file.Close()
	}
	if i.source != nil { // that it was moved must do for another one to come, however short the grace is
		i.source.Succeed(i.source.Who()).Yield()
	}
	return nil
}

var errHeader = errors.New("it has another header now")

// loop is the file as it was read so far, for a source whose packets are those of a header.
func (s *Snapshot) loop(file *os.File, of *asf.Header, now clock.Instant) (*fileLoop, error) {
	var in io.ReadSeeker = bytes.NewReader(demoClip)
	if file != nil {
		in = file
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	l, err := headOf(s.Name, in)
	if err != nil {
		return nil, err
	}
	if file != nil {
		if l.info, err = file.Stat(); err != nil {
			return nil, err
		}
	}
	if of == nil || !of.Same(l.header.Published()) {
		return nil, errHeader
	}
	size := l.header.PacketSize
	if n := len(s.Follows); len(s.Packet) != size || n != 0 && n != size {
		return nil, fmt.Errorf("packets of %d and %d bytes, the header has %d", len(s.Packet), n, size)
	}
	if wait := s.Start.Add(s.Due).Since(now); wait > farthestDue {
		return nil, fmt.Errorf("next packet is due in %v, limit %v", wait, farthestDue)
	}
	if err := l.seek(s.Number); err != nil {
		return nil, err
	}
	l.begin, l.shift = s.Begin, s.Shift
	t := &l.lap
	t.measure, t.good, t.bad = s.Measure, s.Good, s.Bad
	if s.Flaw != "" {
		t.flaw = errors.New(s.Flaw)
	}
	if len(s.Follows) > 0 {
		copy(l.bufs[0], s.Follows)
		t.next = duePacket{l.bufs[0], s.FollowDue, s.Number}
	}
	return l, nil
}

// goOn feeds what was inherited on, until playing is done, which ends with ctx at the latest, or as play.
func (l *fileLoop) goOn(ctx, playing context.Context, signal *standstill.Signal, from *Inheritance) error {
	s, src := from.snapshot, from.source
	from.snapshot = nil
	start, err := l.send(playing, src, signal, s.Packet, s.Due, s.Start)
	switch {
	case err == nil:
		err = l.run(playing, src, signal, start)
	case playing.Err() != nil && !errors.Is(err, standstill.ErrLeft):
		err = nil
	}
	return finish(ctx, src, err)
}
