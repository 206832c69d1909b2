// Package quota counts the bytes that may be sent in a day or a month, and keeps the count in a file, so that a restart
// does not begin anew.
package quota

import (
	"log/slog"
	"sync"
	"time"

	"pumpd/server/config"
)

// A Meter counts. Whoever sends calls Count now and then; Keep writes the file meanwhile, on a goroutine of its own.
type Meter struct {
	// Set by Open, never changed.
	log *slog.Logger
	dir *directory

	// Any goroutine.
	disk  sync.Mutex // held while the file is written
	given bool       // the directory has been given up; for whoever holds disk
	mu    sync.Mutex // of all that is below
	limit config.Quota
	book  book
	begin time.Time // of the period that is counted, by the clock
	told  level     // of the period that is counted, what the log has been told
}

// A level is how much of the quota is used.
type level uint8

const (
	some level = iota
	near       // 80 %
	full
)

// A Use is how much of the quota is used.
type Use struct {
	Limit int64     // bytes; 0 is none
	Used  int64     // bytes
	Since time.Time // when the period began
	Ends  time.Time // when the next one does
	Full  bool
}

// Open makes a meter that goes on with what its file in a directory says, and locks the directory until Close. A file
// that cannot be understood is put aside. now is what the clock says.
func Open(dir string, limit config.Quota, log *slog.Logger, now time.Time) (*Meter, error) {
	d, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	m := &Meter{limit: limit, log: log, dir: d}
	text, err := d.read()
	if err != nil {
		d.close()
		return nil, err
	}
	if text != nil {
		m.remember(text)
	}
	m.Count(0, now)
	return m, nil
}

// remember takes the file's text. At worst the quota begins anew: a server that does not start for a count is worse.
func (m *Meter) remember(text []byte) {
	book, err := parseBook(text)
	switch {
	case err != nil:
		aside, moved := m.dir.putAside()
		m.log.Error("quota: its file cannot be understood, the count begins anew", "file", m.dir.name(), "err", err,
			"kept_as", aside, "moved", moved == nil)
	case len(book[0].Since) != len(m.layout()):
		m.dropOther(book)
	default:
		m.book = book
	}
}

// SetLimit has another limit count from the next Count on; none at all is one. If the period is another one, too, the
// count begins anew.
func (m *Meter) SetLimit(limit config.Quota, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if limit.Bytes != 0 && limit.Monthly != m.limit.Monthly {
		m.dropOther(m.book)
		m.book = nil
	}
	if limit.Bytes == 0 {
		limit.Monthly = m.limit.Monthly // it may come back
	}
	m.limit, m.told = limit, some
	m.turn(now)
}

// dropOther tells the log of a book that is of no use: days are no months.
func (m *Meter) dropOther(b book) {
	m.log.Warn("quota: it was counted by another period, the count begins anew", "was", b[0].Since, "used", b[0].Used)
}

// layout is that of the periods that are counted.
func (m *Meter) layout() string {
	if m.limit.Monthly {
		return monthLayout
	}
	return dayLayout
}

// Count adds bytes that were sent since it was called last, and says where that has led to.
func (m *Meter) Count(bytes int64, now time.Time) Use {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.book) > 0 {
		m.book[0].Used = min(m.book[0].Used+bytes, maxUsed)
	}
	m.turn(now)
	u := m.use()
	m.tell(u)
	return u
}

// turn goes on to the period that the clock says. For whoever holds mu.
func (m *Meter) turn(now time.Time) {
	since := now.Format(m.layout())
	y, month, day := now.Date()
	if m.limit.Monthly {
		day = 1
	}
	m.begin = time.Date(y, month, day, 0, 0, 0, 0, now.Location())
	if len(m.book) > 0 && m.book[0].Since == since {
		return
	}
	before := append(book{}, m.book...)
	m.book.turn(since)
	m.told = some
	switch {
	case len(before) == 0:
	case since < before[0].Since:
		m.log.Warn("quota: the clock is before the period that was counted, what was sent counts on", "clock", now,
			"period", before[0].Since, "used", m.book[0].Used)
	default:
		m.log.Info("quota: a new period begins", "period", since, "used", m.book[0].Used, "before", before[0].Since,
			"used_before", before[0].Used)
	}
}

// use is for whoever holds mu.
func (m *Meter) use() Use {
	u := Use{Limit: m.limit.Bytes, Used: m.book[0].Used, Since: m.begin, Ends: m.begin.AddDate(0, 0, 1)}
	if m.limit.Monthly {
		u.Ends = m.begin.AddDate(0, 1, 0)
	}
	u.Full = u.Limit > 0 && u.Used >= u.Limit
	return u
}

// tell has one line in the log when the quota is nearly used, and one when it is. For whoever holds mu.
func (m *Meter) tell(u Use) {
	now := some
	switch {
	case u.Full:
		now = full
	case u.Limit > 0 && u.Used >= u.Limit/5*4:
		now = near
	}
	if now <= m.told {
		return
	}
	m.told = now
	text := "quota: 80 % are used"
	if now == full {
		text = "quota: it is used up, no more viewers are let in"
	}
	m.log.Warn(text, "quota", m.limit, "used", u.Used, "ends", u.Ends)
}

// Use says where the count is. Any goroutine.
func (m *Meter) Use() Use {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.use()
}
