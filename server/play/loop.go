package play

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"pumpd/asf"
)

// A fileLoop is a media file that goes round and round. It is read from the disk as it plays, so its size costs no
// memory. It has no clock: it says what is due when. What is no packet, and what has a time that its neighbours refute,
// is left out and counted.
type fileLoop struct {
	// Set by newFileLoop, never changed.
	name   string // for people
	file   io.ReadSeeker
	info   os.FileInfo // of the file when it was opened; nil: it is not one on a disk
	header *asf.Header

	// Of the whole play.
	begin   time.Duration // of this lap, counted from the first one's
	shift   uint32        // ms that its times are moved by, modulo 2^32 as they are
	refused os.FileInfo   // of what has taken the file's place and cannot be played

	in   *bufio.Reader
	bufs [2][]byte // each of a packet
	lap  lap

	sample lap // what was seen of it before it plays
}

const (
	maxFileHeader = 1 << 20  // bytes that are read of one; asf.MaxHeader is what is taken
	sampleSize    = 16 << 20 // bytes that are read before a file plays, to see whether it can
	builtInClip   = "built-in clip"
)

// openLoop opens a file, or the built-in clip if name is empty, and looks at its first sample bytes; 0 is all.
func openLoop(ctx context.Context, name string, sample int64) (*fileLoop, error) {
	if name == "" {
		return newFileLoop(ctx, builtInClip, bytes.NewReader(demoClip), sample)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not an ordinary file")
	}
	var l *fileLoop
	if err == nil {
		l, err = newFileLoop(ctx, name, f, sample)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l.info = info
	return l, nil
}

func newFileLoop(ctx context.Context, name string, file io.ReadSeeker, sample int64) (*fileLoop, error) {
	l, err := headOf(name, file)
	if err != nil {
		return nil, err
	}
	if err := l.survey(ctx, sample); err != nil {
		return nil, err
	}
	l.sample = l.lap
	return l, l.rewind()
}

// headOf is a loop of which only the header has been read.
func headOf(name string, file io.ReadSeeker) (*fileLoop, error) {
	h, err := asf.ReadHeader(file, maxFileHeader)
	if err != nil {
		return nil, err
	}
	l := &fileLoop{name: name, file: file, header: h, in: bufio.NewReaderSize(file, 64<<10)}
	for i := range l.bufs {
		l.bufs[i] = make([]byte, h.PacketSize)
	}
	return l, nil
}

func (l *fileLoop) close() {
	if f, ok := l.file.(io.Closer); ok {
		f.Close() // it was only read
	}
}

// survey plays the beginning of the file to nobody. It goes on to the end where most of that is bad.
func (l *fileLoop) survey(ctx context.Context, sample int64) error {
	if err := l.rewind(); err != nil {
		return err
	}
	for t := &l.lap; ; {
		_, _, err := l.next(ctx)
		read := int64(t.good+t.bad) * int64(l.header.PacketSize)
		switch {
		case errors.Is(err, io.EOF), err == nil && sample > 0 && read > sample && t.bad <= t.good:
			return t.verdict()
		case err != nil:
			return err
		}
	}
}

// rewind goes back to the first packet.
func (l *fileLoop) rewind() error { return l.seek(0) }

// seek begins a lap behind n packets.
func (l *fileLoop) seek(n int) error {
	at := int64(len(l.header.Raw)) + int64(n)*int64(l.header.PacketSize)
	if _, err := l.file.Seek(at, io.SeekStart); err != nil {
		return err
	}
	l.in.Reset(l.file)
	l.lap = lap{packets: l.header.PacketsFrom(l.in, n), number: n}
	return nil
}

// again begins the next lap.
func (l *fileLoop) again() error {
	if err := l.lap.verdict(); err != nil {
		return err
	}
	length := l.lap.measure.Length()
	l.shift += length
	l.begin += time.Duration(length) * time.Millisecond
	return l.rewind()
}

// renew takes the file as it is now, if that is not what plays. One that cannot be played is left alone until it
// changes again, and one that is gone plays on.
func (l *fileLoop) renew(ctx context.Context) (renewed bool, err error) {
	if l.info == nil {
		return false, nil
	}
	now, err := os.Stat(l.name)
	if err != nil || sameFile(now, l.info) || l.refused != nil && sameFile(now, l.refused) {
		return false, nil
	}
	n, err := openLoop(ctx, l.name, sampleSize)
	if err != nil {
		l.refused = now
		return false, err
	}
	n.begin = l.begin
	l.close()
	*l = *n
	return true, nil
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
