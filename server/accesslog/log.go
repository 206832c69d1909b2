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
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Stdout is the name of standard output among files.
const Stdout = "stdout"

// A Log is an access log. A nil one is none, and takes what it is given.
//
//	loops ── visits ──▶ run: lines of a format ──▶ file or standard output
type Log struct {
	// Set by New, never changed.
	file   string // its name, or Stdout
	format format
	log    *slog.Logger
	visits chan *Visit
	again  chan struct{} // holds one while the file is to be opened again
	quit   chan struct{} // closed: write what there is, then end
	ended  chan struct{} // closed: run has

	// Any goroutine.
	lost atomic.Uint64 // lines

	// Set by Start, and run's goroutine's from then on.
	program string
	out     io.Writer
	lines   []byte // that are not written yet
	torn    bool   // the file ends in the middle of a line
	failing bool   // it takes nothing, and the log has been told
	told    uint64 // of lost, when that began
	away    bool   // it cannot be opened again, and the log has been told
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
	if file == "" {
		return nil
	}
	return &Log{
		file: file, format: formats[format], log: log,
		visits: make(chan *Visit, maxVisits), again: make(chan struct{}, 1),
		quit: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Add has a visit written. It never waits: what finds maxVisits before it is lost and counted. Any goroutine.
func (l *Log) Add(v *Visit) {
	if l == nil {
		return
	}
	select {
	case l.visits <- v:
	default:
		l.lost.Add(1)
	}
}

// Reopen has the file opened anew by its name, as after a rotation. Any goroutine.
func (l *Log) Reopen() {
	if l == nil || l.file == Stdout {
		return
	}
	select {
	case l.again <- struct{}{}:
	default:
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
	l.program, l.out = program, stdout
	if l.file != Stdout {
		f, err := open(l.file)
		if err != nil {
			return fmt.Errorf("access_log: %w", err)
		}
		l.out = f
	}
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
	if l.format.header != nil {
		l.lines = append(l.lines, l.format.header(l.program, time.Now())...)
	}
}

func (l *Log) run() {
	defer close(l.ended)
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case v := <-l.visits:
			l.take(v)
		case <-l.again:
			l.reopen()
		case <-look.C:
			l.look()
		case <-l.quit:
			for len(l.visits) > 0 {
				l.take(<-l.visits)
			}
			l.write()
			l.closeFile()
			return
		}
		if len(l.visits) == 0 || len(l.lines) >= maxLines {
			l.write()
		}
	}
}

func (l *Log) take(v *Visit) { l.lines = l.format.line(l.lines, v) }

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
	l.closeFile()
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

func (l *Log) closeFile() {
	if f, ok := l.out.(*os.File); ok && l.file != Stdout {
		f.Close()
	}
}
