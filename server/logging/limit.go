package logging

import (
	"fmt"
	"log/slog"
	"time"
)

// A limit holds back what comes too often: strangers must not fill a disk, nor hide what matters among what they
// cause. Lines are of one kind if they say the same of the same stream. From the first one on a kind has a minute, and
// in that so many lines as quotaOf says; how many more there were is said when it is over. It belongs to the queue's
// goroutine.
type limit struct{ kinds map[kind]*count }

type kind struct{ message, stream string }

type count struct {
	until time.Time // the minute's end
	lines int       // that were admitted
	more  int       // that were not
	last  *entry    // of those
}

const (
	minute   = time.Minute
	maxKinds = 4096 // what is more shares the zero kind
)

// The messages with a quota of their own: a line for each viewer that leaves, and one in a minute for those who are
// refused and come again.
const (
	ViewerLeft    = "viewer left"
	PumpRefused   = "pump refused"
	Full          = "connection limit reached, refusing with 503"
	NoRoom        = "no room for a viewer"
	NoRoomEver    = "a viewer of this stream takes more than the limit, nobody can watch"
	PushBarred    = "push refused, this encoder may not push"
	PushWrong     = "push not authorised"
	PushBraked    = "push not authorised, too many guesses from this network"
	ViewWrong     = "viewer not authorised"
	ViewBraked    = "viewer not authorised, too many guesses from this network"
	CallbackFails = "auth_url gives no answer"
)

// quotaOf is how many lines of a kind there may be in a minute. The access log has a line for each viewer unless
// somebody plays with it; pumps that are refused ask again every few seconds.
func quotaOf(r slog.Record) int {
	switch {
	case r.Message == PumpRefused, r.Message == Full, r.Message == NoRoom, r.Message == NoRoomEver,
		r.Message == PushBarred, r.Message == PushWrong, r.Message == PushBraked,
		r.Message == ViewWrong, r.Message == ViewBraked, r.Message == CallbackFails:
		return 1
	case r.Message == ViewerLeft, r.Level < slog.LevelInfo:
		return 6000
	}
	return 20
}

func newLimit() limit { return limit{map[kind]*count{}} }

// admit says whether a line is to be written; else it is counted.
func (m *limit) admit(line *entry) bool {
	k := kind{line.record.Message, line.stream}
	n := m.kinds[k]
	if n == nil && len(m.kinds) >= maxKinds {
		k = kind{}
		n = m.kinds[k]
	}
	if n == nil {
		n = &count{until: line.record.Time.Add(minute)}
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
func (m *limit) over(now time.Time) (lines []*entry) {
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

func (n *count) summary() *entry {
	last := n.last.record
	text := fmt.Sprintf("%s: %d more like this in the last minute", last.Message, n.more)
	r := slog.NewRecord(last.Time, last.Level, text, 0)
	last.Attrs(func(a slog.Attr) bool {
		r.AddAttrs(a)
		return true
	})
	return &entry{to: n.last.to, stream: n.last.stream, record: r}
}
