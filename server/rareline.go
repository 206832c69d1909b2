package server

import (
	"sync/atomic"
	"time"
)

// A rareLine is for log lines that strangers can cause: one is written at once, and then at most one in rareTime, with the
// number of those that it stands for. Any goroutine; the zero value is unused.
type rareLine struct {
	since atomic.Int64 // the last line
	count atomic.Int64 // of events since
}

const rareTime = time.Minute

// add counts an event and says whether a line is due, for how many.
func (t *rareLine) add(now instant) (n int64, due bool) {
	t.count.Add(1)
	last := t.since.Load()
	if last != 0 && now.since(instant(last)) < rareTime || !t.since.CompareAndSwap(last, int64(max(now, 1))) {
		return 0, false
	}
	return t.count.Swap(0), true
}
