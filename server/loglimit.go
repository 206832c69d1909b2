package server

import (
	"fmt"
	"log/slog"
	"time"
)

// A logLimit holds back what comes too often: strangers must not fill a disk, nor hide what matters among what they
// cause. Lines are of one kind if they say the same of the same stream. From the first one on a kind has a minute, and
// in that so many lines as quotaOf says; how many more there were is said when it is over. It belongs to the queue's
// goroutine.
type logLimit struct{ kinds map[logKind]*logCount }

type logKind struct{ message, stream string }

type logCount struct {
	until time.Time // the minute's end
	lines int       // that were admitted
	more  int       // that were not
	last  *logLine  // of those
}

const (
	logMinute   = time.Minute
	maxLogKinds = 4096 // what is more shares the zero kind
)

// The messages with a quota of their own.
const (
	logViewerLeft  = "viewer left"
	logPumpRefused = "pump refused"
	logFull        = "connection limit reached, refusing with 503"
	logPushBarred  = "push refused, this address may not push"
	logPushWrong   = "push not authorised"
	logPushBraked  = "push not authorised, too many guesses from this network"
)

// quotaOf is how many lines of a kind there may be in a minute. The access log has a line for each viewer unless
// somebody plays with it; pumps that are refused ask again every few seconds.
func quotaOf(r slog.Record) int {
	switch {
	case r.Message == logPumpRefused, r.Message == logFull,
		r.Message == logPushBarred, r.Message == logPushWrong, r.Message == logPushBraked:
		return 1
	case r.Message == logViewerLeft, r.Level < slog.LevelInfo:
		return 6000
	}
	return 20
}

func newLogLimit() logLimit { return logLimit{map[logKind]*logCount{}} }

// admit says whether a line is to be written; else it is counted.
func (m *logLimit) admit(line *logLine) bool {
	k := logKind{line.record.Message, line.stream}
	n := m.kinds[k]
	if n == nil && len(m.kinds) >= maxLogKinds {
		k = logKind{}
		n = m.kinds[k]
	}
	if n == nil {
		n = &logCount{until: line.record.Time.Add(logMinute)}
		m.kinds[k] = n
	}
	if n.lines < quotaOf(line.record) {
		n.lines++
		return true
	}
	n.more++
	n.last = line
	return false
}

// over ends the minutes that are over and gives a line for each kind that had more than its quota: the last of those
// that were held back, with their number.
func (m *logLimit) over(now time.Time) (lines []*logLine) {
	for k, n := range m.kinds {
		if now.Before(n.until) {
			continue
		}
		delete(m.kinds, k)
		if n.more > 0 {
			lines = append(lines, n.summary())
		}
	}
	return lines
}

func (n *logCount) summary() *logLine {
	last := n.last.record
	text := fmt.Sprintf("%s: %d more like this in the last minute", last.Message, n.more)
	r := slog.NewRecord(last.Time, last.Level, text, 0)
	last.Attrs(func(a slog.Attr) bool {
		r.AddAttrs(a)
		return true
	})
	return &logLine{to: n.last.to, stream: n.last.stream, record: r}
}
