package logging

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// lineAt is a line of a kind.
func lineAt(at time.Time, level slog.Level, message, stream string, attrs ...any) *entry {
	r := slog.NewRecord(at, level, message, 0)
	r.Add(attrs...)
	return &entry{to: slog.DiscardHandler, stream: stream, record: r}
}

func TestLogLimit(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		level   slog.Level
		message string
		quota   int
	}{
		{slog.LevelInfo, "push failed", 20},
		{slog.LevelWarn, "source lost", 20},
		{slog.LevelWarn, PushBarred, 1},
		{slog.LevelWarn, PushWrong, 1},
		{slog.LevelWarn, PushBraked, 1},
		{slog.LevelWarn, ViewWrong, 1},
		{slog.LevelWarn, ViewBraked, 1},
		{slog.LevelWarn, CallbackFails, 1},
		{slog.LevelError, "accept", 20},
		{slog.LevelDebug, "refused", 6000},
		{slog.LevelInfo, ViewerLeft, 6000},
		{slog.LevelWarn, PumpRefused, 1},
		{slog.LevelWarn, Full, 1},
	} {
		m := newLimit()
		for past := range 3 {
			begin := at.Add(time.Duration(past) * minute)
			admitted, other := 0, 0
			for i := range 9000 {
				now := begin.Add(time.Duration(i) * time.Millisecond)
				if m.admit(lineAt(now, c.level, c.message, "a", "i", i)) {
					admitted++
				}
				if i < c.quota && m.admit(lineAt(now, c.level, c.message, "b")) {
					other++
				}
				if i%1000 == 0 && len(m.over(now)) > 0 {
					t.Errorf("%s: a count before the minute is over", c.message)
				}
			}
			if admitted != c.quota || other != c.quota {
				t.Errorf("%s: %d lines of one stream, %d of another, want %d", c.message, admitted, other, c.quota)
			}
			over := m.over(begin.Add(minute))
			if len(over) != 1 {
				t.Fatalf("%s: %d counts, want one", c.message, len(over))
			}
			got := over[0].record
			want := fmt.Sprintf("%s: %d more like this in the last minute", c.message, 9000-c.quota)
			if got.Message != want || got.Level != c.level || over[0].stream != "a" {
				t.Errorf("got %q at %v of %s, want %q at %v", got.Message, got.Level, over[0].stream, want, c.level)
			}
			got.Attrs(func(a slog.Attr) bool {
				if a.Key != "i" || a.Value.Int64() != 8999 {
					t.Errorf("%s: attribute %v, want that of the last line", c.message, a)
				}
				return true
			})
		}
		if len(m.kinds) > 0 {
			t.Errorf("%s: %d kinds are remembered when all is over", c.message, len(m.kinds))
		}
	}
}

// Messages that differ each time do not fill the memory, and share a quota.
func TestLogLimitIsBounded(t *testing.T) {
	m, at, admitted := newLimit(), time.Unix(1000, 0), 0
	for i := range 3 * maxKinds {
		if m.admit(lineAt(at, slog.LevelInfo, fmt.Sprint(i), "")) {
			admitted++
		}
	}
	if len(m.kinds) > maxKinds+1 || admitted != maxKinds+20 {
		t.Errorf("%d kinds, %d lines, want %d, %d", len(m.kinds), admitted, maxKinds+1, maxKinds+20)
	}
}

// What was held back is told when the queue ends, with the attributes of its logger.
func TestLogLimitAtTheEnd(t *testing.T) {
	var out bytes.Buffer
	q, _ := queueTo(slog.NewTextHandler(&out, nil))
	log := q.Logger().With("stream", "a")
	for i := range 10 {
		log.Warn(PumpRefused, "from", i)
	}
	q.Drain()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], ` msg="pump refused" stream=a from=0`) ||
		!strings.HasSuffix(lines[1], ` msg="pump refused: 9 more like this in the last minute" stream=a from=9`) {
		t.Errorf("got %q, want the first and a count", lines)
	}
}
