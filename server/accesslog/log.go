// Package accesslog writes the access log: a line for each viewer that has left, and now and then one for each that
// still watches. A Log's goroutine owns the file, so that no disk, however full, slow or gone, holds up whoever serves
// viewers.
package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Stdout is the name of standard output among files.
const Stdout = "stdout"

// A Log is an access log, or none for the time being. A nil one is none for ever.
//
//	loops ── visits, reports ──▶ run: lines of a format ──▶ file or standard output
type Log struct {
	// Set by New, never changed.
	log   *slog.Logger
	news  chan struct{} // holds one while entries wait
	again chan struct{} // holds one while the file is to be opened again
	quit  chan struct{} // closed: write what there is, then end
	ended chan struct{} // closed: run has

	// Any goroutine.
	lost    atomic.Uint64 // lines
	on      atomic.Bool   // visits are wanted
	mu      sync.Mutex
	entries []entry // that wait; guarded by mu

	// Set by Start, and run's goroutine's from then on.
	program string
	stdout  io.Writer
	place
	lines   []byte // that are not written yet
	torn    bool   // the file ends in the middle of a line
	failing bool   // it takes nothing, and the log has been told
	told    uint64 // of lost, when that began
	away    bool   // it cannot be opened again, and the log has been told
	desk    desk
}

// An entry is one of these: a visit, a report of one, where the lines of those behind it go.
type entry struct {
	visit  *Visit
	report *Report
	to     *place
}

// A place is where lines go, and what they are like.
type place struct {
	file   string // its name, Stdout, or "" for nowhere
	format format
	out    io.Writer // nil: nowhere
}

const (
	maxVisits    = 1 << 17 // that wait: all viewers of a pump may leave at once
	maxLines     = 64 << 10
	lookInterval = 5 * time.Second        // how soon we notice that somebody has taken the file away
	flushTime    = 500 * time.Millisecond // for what waits when the server ends
)

// New makes a log of a checked configuration: file may be Stdout, and "" is none. What is added waits until Start. What
// happens to the file, log is told.
func New(file, format string, log *slog.Logger) *Log {
	l := &Log{
		log: log, place: place{file: file, format: formats[format]},
		news: make(chan struct{}, 1), again: make(chan struct{}, 1),
		quit: make(chan struct{}), ended: make(chan struct{}),
	}
	l.on.Store(file != "")
	return l
}

// On says whether visits are wanted. Any goroutine.
func (l *Log) On() bool { return l != nil && l.on.Load() }

// Add has a visit written. It never waits: what finds maxVisits before it is lost and counted. Any goroutine.
func (l *Log) Add(v *Visit) {
	if !l.On() {
		return
	}
	if !l.enter(entry{visit: v}) {
		l.lost.Add(1)
	}
}

// enter has an entry wait for run. It is false where too many do.
func (l *Log) enter(e entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= maxVisits {
		return false
	}
	l.entries = append(l.entries, e)
	ring(l.news)
	return true
}

// Reopen has the file opened anew by its name, as after a rotation. Any goroutine.
func (l *Log) Reopen() {
	if l != nil {
		ring(l.again)
	}
}

// ring puts one into a channel that holds one.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Move is for a reload: commit has what is added from then on go elsewhere, or be written otherwise, as New has it. The
// file is opened at once, an error says why it cannot be; undo is for when the reload comes to nothing. After Start.
func (l *Log) Move(file, format string) (commit, undo func(), err error) {
	p, err := l.open(file, format)
	if err != nil {
		return nil, nil, err
	}
	commit = func() {
		l.mu.Lock()
		l.entries = append(l.entries, entry{to: p})
		l.on.Store(file != "")
		l.mu.Unlock()
		ring(l.news)
	}
	return commit, p.close, nil
}

// open finds a place.
func (l *Log) open(file, format string) (*place, error) {
	p := &place{file: file, format: formats[format]}
	switch file {
	case "":
	case Stdout:
		p.out = l.stdout
	default:
		f, err := open(file)
		if err != nil {
			return nil, fmt.Errorf("access_log: %w", err)
		}
		p.out = f
	}
	return p, nil
}

// close closes its file.
func (p *place) close() {
	if f, ok := p.out.(*os.File); ok && p.file != Stdout {
		f.Close()
	}
}

// Lost is how many lines could not be written. Any goroutine.
func (l *Log) Lost() uint64 {
	if l == nil {
		return 0
	}
	return l.lost.Load()
}

// Start opens the file and begins to write, as a program of some version would be called; stdout is what Stdout means.
// It is for once, and an error says why there can be no such log.
func (l *Log) Start(program string, stdout io.Writer) error {
	if l == nil {
		return nil
	}
	l.program, l.stdout = program, stdout
	p, err := l.open(l.file, "")
	if err != nil {
		return err
	}
	l.out = p.out
	l.begin()
	go l.run()
	return nil
}

// Close has what waits written, and returns when that is done or half a second is over. It is for once, after Start.
func (l *Log) Close() {
	if l == nil {
		return
	}
	close(l.quit)
	select {
	case <-l.ended:
	case <-time.After(flushTime):
	}
}

// open opens a file to write at its end. It does not wait for the reader of a pipe.
func open(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o640)
}

// begin has the next line be the first one of a file, or of a run.
func (l *Log) begin() {
	l.torn = false
	if l.out != nil && l.format.header != nil {
		l.lines = append(l.lines, l.format.header(l.program, time.Now())...)
	}
}

func (l *Log) run() {
	defer close(l.ended)
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case <-l.news:
			l.takeAll()
		case now := <-l.desk.due:
			l.desk.expire(now, l.note)
		case <-l.again:
			l.reopen()
		case <-look.C:
			l.look()
		case <-l.quit:
			l.takeAll()
			l.finish()
			l.close()
			return
		}
		l.write()
	}
}

// takeAll does what the entries say that wait.
func (l *Log) takeAll() {
	l.mu.Lock()
	entries := l.entries
	l.entries = nil
	l.mu.Unlock()
	for _, e := range entries {
		switch {
		case e.report != nil:
			l.desk.report(e.report, time.Now(), l.note)
		case e.to != nil:
			l.finish()
			l.close()
			l.place, l.away = *e.to, false
			l.begin()
		default:
			l.take(e.visit)
		}
		if len(l.lines) >= maxLines {
			l.write()
		}
	}
}

// take writes a visit, or keeps it for its report, where the format has room for one.
func (l *Log) take(v *Visit) {
	if l.format.reports && l.desk.keep(v, time.Now(), l.note) {
		return
	}
	l.note(v)
}

func (l *Log) note(v *Visit) {
	if l.out != nil {
		l.lines = l.format.line(l.lines, v)
	}
}

// finish writes all that has been taken.
func (l *Log) finish() {
	l.desk.clear(l.note)
	l.write()
}

// write writes the lines. What is not taken is lost, and the log told when that begins and when it is over.
func (l *Log) write() {
	if len(l.lines) == 0 {
		return
	}
	if l.torn { // what is left of a line is one by itself
		if n, _ := l.out.Write([]byte("\n")); n == 1 {
			l.torn = false
		}
	}
	before := l.lost.Load()
	n, err := l.out.Write(l.lines)
	if n > 0 {
		l.torn = l.lines[n-1] != '\n'
	}
	l.lost.Add(uint64(bytes.Count(l.lines[n:], []byte("\n"))))
	l.lines = l.lines[:0]
	switch {
	case err != nil && !l.failing:
		l.failing, l.told = true, before
		l.log.Error("access_log cannot be written, its lines are lost until it can", "file", l.file, "err", err)
	case err == nil && l.failing:
		l.failing = false
		l.log.Warn("access_log is written again", "file", l.file, "lost", l.lost.Load()-l.told)
	}
}

// look opens the file again if its name leads elsewhere by now, or nowhere: whoever took it away may not tell us.
func (l *Log) look() {
	f, ok := l.out.(*os.File)
	if !ok || l.file == Stdout {
		return
	}
	there, err := os.Stat(l.file)
	ours, err2 := f.Stat()
	if err == nil && err2 == nil && os.SameFile(there, ours) {
		l.away = false
		return
	}
	l.reopen()
}

// reopen goes on in the file that has the name now, which is made if it is not there. Where that is impossible it goes
// on in the old one.
func (l *Log) reopen() {
	if l.file == "" || l.file == Stdout {
		return
	}
	l.write()
	f, err := open(l.file)
	if err != nil {
		if !l.away {
			l.away = true
			l.log.Error("access_log cannot be opened again, the file as it was gets the lines", "file", l.file,
				"err", cause(err))
		}
		return
	}
	if l.away {
		l.log.Info("access_log is where it should be again", "file", l.file)
	}
	l.away = false
	l.close()
	l.out = f
	l.begin()
}

// cause is what happened to a file, whose name is known.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
