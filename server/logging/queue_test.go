package logging

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A pipe is a log that nobody reads until it is opened.
type pipe struct {
	open chan struct{}
	mu   sync.Mutex
	got  bytes.Buffer
}

func newPipe() *pipe { return &pipe{open: make(chan struct{})} }

func (p *pipe) Write(b []byte) (int, error) {
	<-p.open
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.Write(b)
}

func (p *pipe) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.String()
}

// queueTo makes a queue that is not started.
func queueTo(h slog.Handler) (*Queue, *atomic.Uint64) {
	var lost atomic.Uint64
	return New(h, &lost), &lost
}

func TestLogLinesAreLostAndCounted(t *testing.T) {
	var out bytes.Buffer
	q, lost := queueTo(slog.NewTextHandler(&out, nil))
	log := q.Logger()
	for range maxLines + 7 {
		log.Info(ViewerLeft)
	}
	if lost.Load() != 7 {
		t.Errorf("%d lines lost, want 7", lost.Load())
	}
	q.Drain()
	if n := strings.Count(out.String(), "lines of this log were lost"); n != 1 || !strings.HasSuffix(out.String(),
		" lines=7\n") {
		t.Errorf("the log says %d times that lines were lost, want once, at last, lines=7: …%.300s", n,
			out.String()[out.Len()-300:])
	}
	log.Info("again")
	q.Drain()
	if !strings.HasSuffix(out.String(), "msg=again\n") {
		t.Error("it says so again")
	}
}

// A brokenDisk fails as long as it is full.
type brokenDisk struct {
	bytes.Buffer
	full bool
}

func (d *brokenDisk) Write(b []byte) (int, error) {
	if d.full {
		return 0, errors.New("no space left on device")
	}
	return d.Buffer.Write(b)
}

func TestLogLinesThatTheDiskRefuses(t *testing.T) {
	disk := &brokenDisk{full: true}
	q, lost := queueTo(slog.NewTextHandler(disk, nil))
	for i := range 3 {
		q.Logger().Info("line", "i", i)
		q.Drain()
	}
	disk.full = false
	q.Logger().Info("line", "i", 3)
	q.Drain()
	if got := disk.String(); lost.Load() != 3 || strings.Count(got, "msg=line") != 1 || !strings.HasSuffix(got,
		" lines=3\n") {
		t.Errorf("%d lost, log %q, want 3, one line and a word of the others", lost.Load(), got)
	}
}

// A queue whose reader does not read ends all the same, and says what it can if he does.
func TestLogQueueEnds(t *testing.T) {
	t.Parallel()
	log := newPipe()
	q, _ := queueTo(slog.NewTextHandler(log, nil))
	q.Logger().Info("a")
	q.Logger().Info("b")
	q.Start()
	q.Close() // after flushTime
	close(log.open)
	<-q.ended
	if got := log.String(); strings.Count(got, "\n") != 2 {
		t.Errorf("the log has %q, want both lines", got)
	}
	q.Logger().Info("too late") // does no harm
}

// A logger's level and attributes are those of the handler behind the queue.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	q, _ := queueTo(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	log := q.Logger()
	if log.Enabled(context.Background(), slog.LevelInfo) {
		t.Error("info is enabled, want warn")
	}
	log.With("stream", "a").WithGroup("g").Warn("m", "k", 1)
	q.Drain()
	if want := ` level=WARN msg=m stream=a g.k=1` + "\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want …%q", out.String(), want)
	}
}
