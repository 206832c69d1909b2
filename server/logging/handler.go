package logging

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A handler makes lines of records, for the queue. What a value is must not depend on the format of the log, so all
// but numbers and truths are made text here; and what it is must be settled before the caller goes on to change it.
type handler struct {
	queue  *Queue
	to     slog.Handler // writes them in the end
	stream string       // of the attributes that to has
}

const streamKey = "stream" // of the attribute that says which stream a line is about

// Enabled is the handler's answer behind the queue.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.to.Enabled(ctx, level)
}

// Handle never fails and never waits.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	line := &entry{to: h.to, stream: h.stream, record: slog.NewRecord(r.Time, r.Level, printable(r.Message), r.PC)}
	r.Attrs(func(a slog.Attr) bool {
		a = asText(a)
		if a.Key == streamKey {
			line.stream = a.Value.String()
		}
		line.record.AddAttrs(a)
		return true
	})
	h.queue.add(line)
	return nil
}

// WithAttrs is a handler whose lines have these as well.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	texts := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		texts[i] = asText(a)
		if a.Key == streamKey {
			with.stream = texts[i].Value.String()
		}
	}
	with.to = h.to.WithAttrs(texts)
	return &with
}

// WithGroup is a handler whose lines have what follows in a group.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.to = h.to.WithGroup(name)
	return &with
}

// asText makes a value text unless it is a number, a truth or a time: an address, an error, a duration or one of our
// enums is the same word in the text log and in JSON, which would have numbers and {} for them.
func asText(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindTime:
	case slog.KindGroup:
		group := make([]slog.Attr, 0, len(a.Value.Group()))
		for _, member := range a.Value.Group() {
			group = append(group, asText(member))
		}
		a.Value = slog.GroupValue(group...)
	case slog.KindAny:
		a.Value = slog.StringValue(printable(fmt.Sprint(a.Value.Any()))) // survives nil pointers
	default:
		a.Value = slog.StringValue(printable(a.Value.String()))
	}
	return a
}

// maxText bounds each text of a line, in bytes, before what cannot be printed is spelled out.
const maxText = 1 << 10

// printable is s with everything spelled out that does not print: a terminal takes C1 characters for commands as it
// does escape sequences, and U+2028 or U+202E make a line look like something else.
func printable(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unprintable(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !strconv.IsPrint(r) }
