package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"pumpd/asf"
)

// A file is a source that plays an ASF file again and again at its own pace, with times that go on from turn to turn: for
// players it is a live stream. It is kept in memory.

const (
	maxFile     = 256 << 20   // bytes
	minTurn     = time.Second // shorter files would only be a busy loop
	fileLate    = time.Second // behind by more, the file goes on from now: the machine was asleep
	builtInClip = "built-in clip"
)

// runFile plays the stream's file until ctx is done. A file that cannot be played is tried again: somebody may be about
// to put it there.
func (s *Server) runFile(ctx context.Context, st *stream) {
	name := st.cfg.File
	if name == "" {
		name = builtInClip
	}
	for failures := 1; ; failures++ {
		err := playFile(ctx, st, name)
		if ctx.Err() != nil {
			return
		}
		fault := newLastError(err, st.clock.now())
		st.fault.Store(&fault)
		wait := backoff(failures, rand.Float64())
		st.log.Error("file cannot be played", "file", name, "err", err, "again_in", wait)
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// playFile returns when ctx is done, which ends the stream, or with what went wrong.
func playFile(ctx context.Context, st *stream, name string) error {
	l, err := openLoop(st.cfg.File)
	if err != nil {
		return err
	}
	src, err := st.claim(sourceFile, name)
	if err != nil {
		return err
	}
	if err := l.play(ctx, src); err != nil {
		src.lost(err)
		return err
	}
	src.end()
	return nil
}

// openLoop loads a file, or the built-in clip if name is empty.
func openLoop(name string) (*fileLoop, error) {
	if name == "" {
		return newFileLoop(bytes.NewReader(demoClip), maxFile)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes, limit %d", name, info.Size(), maxFile)
	}
	l, err := newFileLoop(f, maxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// A fileLoop is the endless row of packets that a file makes. It has no clock: it says what is due when.
type fileLoop struct {
	// Set by newFileLoop, never changed.
	header  *asf.Header
	packets [][]byte
	due     []time.Duration // of each packet, from the start of a turn; never less than that of the one before
	length  uint32          // of a turn, ms

	turn uint64
	at   int    // in packets
	buf  []byte // the packet handed out last
}

func newFileLoop(r io.Reader, maxBytes int64) (*fileLoop, error) {
	h, packets, err := asf.ReadFile(r, maxBytes)
	if err != nil {
		return nil, err
	}
	l := &fileLoop{header: h, length: h.LoopLength(packets), buf: make([]byte, h.PacketSize)}
	if turn := time.Duration(l.length) * time.Millisecond; turn < minTurn {
		return nil, fmt.Errorf("file: plays %v, want at least %v", turn, minTurn)
	}
	if err := l.schedule(packets); err != nil {
		return nil, err
	}
	return l, nil
}

// schedule keeps the packets that can be sent, and when.
func (l *fileLoop) schedule(packets [][]byte) error {
	var track asf.Track
	for i, b := range packets {
		p, err := l.header.ParsePacket(b)
		if err != nil {
			return fmt.Errorf("file: packet %d of %d: %w", i+1, len(packets), err)
		}
		due, _ := track.Follow(l.header, p) // a source drops it if its time is damaged
		if track.Confirmed {
			l.due[len(l.due)-1] = track.Before
		}
		l.packets, l.due = append(l.packets, b), append(l.due, due)
	}
	if len(l.packets) == 0 {
		return errors.New("file: no packets")
	}
	return nil
}

// next returns the packet that follows, valid until the next call, and when it is due, counted from the very first one of
// this play.
func (l *fileLoop) next() (packet []byte, due time.Duration, err error) {
	packet = l.buf[:copy(l.buf, l.packets[l.at])]
	if err := l.header.ShiftTimes(packet, uint32(l.turn)*l.length); err != nil { // modulo 2^32, as the times are
		return nil, 0, err
	}
	due = time.Duration(l.turn)*time.Duration(l.length)*time.Millisecond + l.due[l.at]
	if l.at++; l.at == len(l.packets) {
		l.at, l.turn = 0, l.turn+1
	}
	return packet, due, nil
}

// play feeds a source, from the beginning of the file, until ctx is done (nil) or the source takes no more. The moments
// that packets are due are counted from the start and not from one another, so lateness does not add up.
func (l *fileLoop) play(ctx context.Context, src *source) error {
	if err := src.header(l.header.Raw); err != nil {
		return err
	}
	src.follow(tieOther)
	l.at, l.turn = 0, 0
	start := time.Now()
	for {
		packet, due, err := l.next()
		if err != nil {
			return err
		}
		wait := time.Until(start.Add(due))
		if wait < -fileLate {
			start = start.Add(-wait)
		}
		if pause(ctx, wait) != nil {
			return nil
		}
		if err := src.packet(packet); err != nil {
			return err
		}
	}
}

// pause waits, which ctx cuts short with its error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
