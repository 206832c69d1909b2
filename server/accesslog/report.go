package accesslog

import "time"

// A Report is what a player says of its visit. It does not change once it is added.
type Report struct {
	Session uint32         // client-id of the visit
	Fields  map[string]any // numbers and strings, by the names of w3cFields
}

// Report has it stand in the line of its visit, whichever comes first. It never waits: one too many is left out. Any
// goroutine.
func (l *Log) Report(r *Report) {
	if l.On() {
		l.enter(entry{report: r})
	}
}

// A desk brings visits and their reports together. Players stop, and then send theirs on another connection: so the
// line of a visit waits for a little while, and so does a report that has come first. It is run's goroutine's.
type desk struct {
	visits map[uint32]*Visit  // by session
	early  map[uint32]*Report // came before the visit was over
	queue  []deadline         // of both, the first one first
	due    <-chan time.Time   // when that is; nil: nothing waits
}

// A deadline is until when a session is waited for.
type deadline struct {
	session uint32
	at      time.Time
}

const (
	reportTime  = 5 * time.Second // for a visit or a report, to be found by the other
	maxAwaiting = 1 << 16         // of both; the line of one too many is written without a report
)

// keep takes a visit whose report may come yet, or has come. It is false for one that is to be written as it is. One
// before it in the same session, whose report has not come, is written.
func (d *desk) keep(v *Visit, now time.Time, write func(*Visit)) bool {
	if v.Reason == "" || v.Session == 0 {
		return false
	}
	if r := d.early[v.Session]; r != nil {
		delete(d.early, v.Session)
		v.report = r.Fields
		return false
	}
	if !v.Reports || !d.wait(v.Session, now) {
		return false
	}
	if d.visits == nil {
		d.visits = map[uint32]*Visit{}
	}
	if before := d.visits[v.Session]; before != nil {
		write(before)
	}
	d.visits[v.Session] = v
	return true
}

// report adds a report to the visit that waits for it, which is written, or keeps it.
func (d *desk) report(r *Report, now time.Time, write func(*Visit)) {
	if v := d.visits[r.Session]; v != nil {
		delete(d.visits, r.Session)
		v.report = r.Fields
		write(v)
		return
	}
	if !d.wait(r.Session, now) {
		return
	}
	if d.early == nil {
		d.early = map[uint32]*Report{}
	}
	d.early[r.Session] = r
}

// wait puts a session in the queue, unless that is full.
func (d *desk) wait(session uint32, now time.Time) bool {
	if len(d.queue) == maxAwaiting {
		return false
	}
	d.queue = append(d.queue, deadline{session, now.Add(reportTime)})
	if d.due == nil {
		d.due = time.After(reportTime)
	}
	return true
}

// expire writes the visits that have waited for long enough, and forgets reports.
func (d *desk) expire(now time.Time, write func(*Visit)) {
	n := 0
	for ; n < len(d.queue) && !d.queue[n].at.After(now); n++ {
		d.drop(d.queue[n].session, write)
	}
	d.queue, d.due = d.queue[n:], nil
	if len(d.queue) > 0 {
		d.due = time.After(d.queue[0].at.Sub(now))
	}
}

// clear does so with all.
func (d *desk) clear(write func(*Visit)) {
	for _, one := range d.queue {
		d.drop(one.session, write)
	}
	*d = desk{}
}

func (d *desk) drop(session uint32, write func(*Visit)) {
	if v := d.visits[session]; v != nil {
		delete(d.visits, session)
		write(v)
	}
	delete(d.early, session)
}
