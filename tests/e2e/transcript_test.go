package e2e

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// A line of a program's output.
type line struct {
	at   time.Time
	text string
}

// A transcript collects what a program prints. Programs that draw a status line end it with CR, so that ends a line
// too.
type transcript struct {
	mu      sync.Mutex
	all     []line
	partial []byte
	news    chan struct{} // closed and replaced at each line
	each    func(line)    // called for each line if set; set before the program starts
}

func newTranscript() *transcript { return &transcript{news: make(chan struct{})} }

// Write is for exec.Cmd's Stdout and Stderr.
func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.partial = append(tr.partial, p...)
	for {
		end := bytes.IndexAny(tr.partial, "\r\n")
		if end < 0 {
			return len(p), nil
		}
		l := line{time.Now(), string(tr.partial[:end])}
		tr.partial = tr.partial[end+1:]
		if l.text != "" {
			tr.add(l)
		}
	}
}

func (tr *transcript) add(l line) {
	tr.all = append(tr.all, l)
	if tr.each != nil {
		tr.each(l)
	}
	close(tr.news)
	tr.news = make(chan struct{})
}

// lines are those so far, and a channel that is closed when there is another.
func (tr *transcript) lines() ([]line, <-chan struct{}) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.all[:len(tr.all):len(tr.all)], tr.news
}

// tail is the last n lines, for a failing test's report.
func (tr *transcript) tail(n int) string {
	all, _ := tr.lines()
	var b strings.Builder
	for _, l := range all[max(0, len(all)-n):] {
		b.WriteString("\t" + l.text + "\n")
	}
	return b.String()
}
