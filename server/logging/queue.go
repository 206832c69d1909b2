// Package logging keeps those who serve viewers from waiting for the log, and strangers from filling it. A Queue's
// goroutine owns all of it but the queue itself.
package logging

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// A Queue stands between whoever has something to say and the log: nobody who serves viewers waits for a disk, a
// pipe that is not read, or a lock that is held meanwhile. Lines that find it full are lost and counted.
//
//	loops, sources, accept ── handler: values made text ──▶ lines ──▶ run: limit ──▶ handler ──▶ standard error
type Queue struct {
	to    slog.Handler // writes a line, however long that takes
	lines chan *entry
	quit  chan struct{} // closed: write what there is, then end
	ended chan struct{} // closed: run has
	lost  *atomic.Uint64

	// run's goroutine only.
	limit limit
	told  uint64 // of lost, what the log has been told
}

// An entry is one line on its way.
type entry struct {
	to     slog.Handler // with the attributes of its logger
	stream string       // that it is about, "" for none
	record slog.Record
}

const (
	maxLines  = 8192                   // that wait; some 500 bytes each, 5 KB at the most
	flushTime = 500 * time.Millisecond // for what waits when the server ends
)

// New makes a queue before a handler; lost counts what it loses. Lines wait until it is started.
func New(to slog.Handler, lost *atomic.Uint64) *Queue {
	return &Queue{
		to:    to,
		lines: make(chan *entry, maxLines),
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
		lost:  lost,
		limit: newLimit(),
	}
}

// Logger writes to the queue, as the handler behind it would. It never waits; any goroutine may use it.
func (q *Queue) Logger() *slog.Logger { return slog.New(&handler{queue: q, to: q.to}) }

// add leaves a line in the queue. Any goroutine.
func (q *Queue) add(line *entry) {
	select {
	case q.lines <- line:
	default:
		q.lost.Add(1)
	}
}

// Start begins to write, in a goroutine of its own.
func (q *Queue) Start() { go q.run() }

// Close has the lines that wait written, and returns when that is done or half a second is over. It is for once, after
// Start.
func (q *Queue) Close() {
	close(q.quit)
	select {
	case <-q.ended:
	case <-time.After(flushTime):
	}
}

func (q *Queue) run() {
	defer close(q.ended)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case line := <-q.lines:
			q.take(line)
		case now := <-tick.C:
			q.summarize(now)
		case <-q.quit:
			q.Drain()
			return
		}
		q.confess()
	}
}

// Drain writes all that waits, and what was held back. It is for those who have not called Start, and for run.
func (q *Queue) Drain() {
	for len(q.lines) > 0 {
		q.take(<-q.lines)
	}
	q.summarize(time.Now().Add(minute)) // of minutes that are not over as well
	q.confess()
}

func (q *Queue) take(line *entry) {
	if q.limit.admit(line) {
		q.write(line)
	}
}

func (q *Queue) summarize(now time.Time) {
	for _, line := range q.limit.over(now) {
		q.write(line)
	}
}

func (q *Queue) write(line *entry) {
	if line.to.Handle(context.Background(), line.record) != nil { // a full disk, nobody at the other end of a pipe
		q.lost.Add(1)
	}
}

// confess says how many lines were lost, once the log flows again.
func (q *Queue) confess() {
	n := q.lost.Load() - q.told
	if n == 0 || len(q.lines) > 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "lines of this log were lost, it was not written fast enough", 0)
	r.AddAttrs(slog.Uint64("lines", n))
	if !q.to.Enabled(context.Background(), r.Level) || q.to.Handle(context.Background(), r) == nil {
		q.told += n
	}
}
