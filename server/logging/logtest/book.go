// Package logtest is a log that tests read.
package logtest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// A Book is a slog.Handler that keeps what is logged, of all levels, as "WARN source lost err=EOF". Zero is empty.
type Book struct {
	OnWarning func(err error) // if not nil, called with each error of a warning
	mu        sync.Mutex
	lines     []string
}

func (b *Book) Enabled(context.Context, slog.Level) bool { return true }
func (b *Book) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *Book) WithGroup(string) slog.Handler            { return b }

// Handle adds a line.
func (b *Book) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		if err, ok := a.Value.Any().(error); ok && r.Level == slog.LevelWarn && b.OnWarning != nil {
			b.OnWarning(err)
		}
		return true
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
	return nil
}

// Text is all lines.
func (b *Book) Text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}

// Count is how many lines begin with prefix.
func (b *Book) Count(prefix string) (n int) {
	for line := range strings.Lines(b.Text()) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// Has wants one line that begins with prefix and has all of the words.
func (b *Book) Has(t *testing.T, prefix string, words ...string) {
	t.Helper()
	found := 0
lines:
	for line := range strings.Lines(b.Text()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		if strings.HasPrefix(line, prefix) {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d lines %q with %q, want one of\n%s", found, prefix, words, b.Text())
	}
}
