package logging

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
)

// A Format is a handler that writes lines of text or of JSON, and can be told otherwise while it does. Any goroutine.
type Format struct {
	text, json slog.Handler
	asJSON     *atomic.Bool // that of all handlers made of this one, too
}

// NewFormat writes text to w, and leaves out what is said at less than level.
func NewFormat(w io.Writer, level slog.Leveler) *Format {
	o := &slog.HandlerOptions{Level: level}
	return &Format{text: slog.NewTextHandler(w, o), json: slog.NewJSONHandler(w, o), asJSON: new(atomic.Bool)}
}

// Set has lines be "json", or else text, from the next one on.
func (f *Format) Set(name string) { f.asJSON.Store(name == "json") }

func (f *Format) handler() slog.Handler {
	if f.asJSON.Load() {
		return f.json
	}
	return f.text
}

// Enabled is the same for both.
func (f *Format) Enabled(ctx context.Context, level slog.Level) bool {
	return f.text.Enabled(ctx, level)
}

// Handle writes a line.
func (f *Format) Handle(ctx context.Context, r slog.Record) error { return f.handler().Handle(ctx, r) }

// WithAttrs follows f's Set.
func (f *Format) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Format{f.text.WithAttrs(attrs), f.json.WithAttrs(attrs), f.asJSON}
}

// WithGroup follows f's Set.
func (f *Format) WithGroup(name string) slog.Handler {
	return &Format{f.text.WithGroup(name), f.json.WithGroup(name), f.asJSON}
}
