package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// A logQueue stands between whoever has something to say and the log: nobody who serves viewers waits for a disk, a
// pipe that is not read, or a lock that is held meanwhile. Lines that find it full are lost and counted.
//
//	loops, sources, accept ── logHandler: values made text ──▶ lines ──▶ run: logLimit ──▶ handler ──▶ standard error
type logQueue struct {
	to    slog.Handler // writes a line, however long that takes
	lines chan *logLine
	quit  chan struct{} // closed: write what there is, then end
	ended chan struct{} // closed: run has
	lost  *atomic.Uint64

	// run's goroutine only.
	limit logLimit
	told  uint64 // of lost, what the log has been told
}

// A logLine is one line on its way.
type logLine struct {
	to     slog.Handler // with the attributes of its logger
	stream string       // that it is about, "" for none
	record slog.Record
}

const (
	maxLogLines  = 8192                   // that wait; some 500 bytes each, 5 KB at the most
	logFlushTime = 500 * time.Millisecond // for what waits when the server ends
)

// newLogQueue makes a queue before a handler; lost counts what it loses. Lines wait until it is started.
func newLogQueue(to slog.Handler, lost *atomic.Uint64) *logQueue {
	return &logQueue{
		to:    to,
		lines: make(chan *logLine, maxLogLines),
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
		lost:  lost,
		limit: newLogLimit(),
	}
}

// logger writes to the queue. It never waits.
func (q *logQueue) logger() *slog.Logger { return slog.New(&logHandler{queue: q, to: q.to}) }

// add leaves a line in the queue. Any goroutine.
func (q *logQueue) add(line *logLine) {
	select {
	case q.lines <- line:
	default:
		q.lost.Add(1)
	}
}

func (q *logQueue) start() { go q.run() }

// close has the lines that wait written, and returns when that is done or logFlushTime is over. It is for once, after
// start.
func (q *logQueue) close() {
	close(q.quit)
	select {
	case <-q.ended:
	case <-time.After(logFlushTime):
	}
}

func (q *logQueue) run() {
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
			q.drain()
			return
		}
		q.confess()
	}
}

// drain writes all that waits, and what was held back. It is for run, or for who has not started it.
func (q *logQueue) drain() {
	for len(q.lines) > 0 {
		q.take(<-q.lines)
	}
	q.summarize(time.Now().Add(logMinute)) // of minutes that are not over as well
	q.confess()
}

func (q *logQueue) take(line *logLine) {
	if q.limit.admit(line) {
		q.write(line)
	}
}

func (q *logQueue) summarize(now time.Time) {
	for _, line := range q.limit.over(now) {
		q.write(line)
	}
}

func (q *logQueue) write(line *logLine) {
	if line.to.Handle(context.Background(), line.record) != nil { // a full disk, nobody at the other end of a pipe
		q.lost.Add(1)
	}
}

// confess says how many lines were lost, once the log flows again.
func (q *logQueue) confess() {
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
