package server

import "time"

// hold lets a viewer of a stream that is not up wait for the source, instead of sending it away with 503. Its request
// stays in the conn's input and is served again when the stream comes up, or when its time is over.
func (l *loop) hold(c *conn, st *stream, now instant) bool {
	d := time.Duration(st.cfg.Hold)
	if d == 0 || c.phase != awaiting || c.waited {
		return false
	}
	c.phase, c.waited, c.waitsFor, c.deadline = holding, true, st, now.add(d)
	l.held = append(l.held, c)
	st.stats.held.Add(1)
	a := l.audienceOf(st)
	a.held++
	l.listen(a)
	if st.up() != nil { // since we looked
		l.wake()
	}
	st.want()
	return true
}

// serveHeld takes up the requests whose stream has come up.
func (l *loop) serveHeld(now instant) {
	for i := 0; i < len(l.held); {
		c := l.held[i]
		if c.waitsFor.up() == nil {
			i++
			continue
		}
		l.unhold(c)
		l.process(c, now)
	}
}

// unhold lets c go on; it is the conn's next phase that matters then.
func (l *loop) unhold(c *conn) {
	for i, h := range l.held {
		if h == c {
			l.held[i] = l.held[len(l.held)-1]
			l.held = l.held[:len(l.held)-1]
			break
		}
	}
	a := l.audiences[c.waitsFor.id]
	a.held--
	l.listen(a)
	c.waitsFor.stats.held.Add(-1)
	c.waitsFor = nil
	if c.phase == holding {
		c.phase = awaiting
	}
}

// want tells a source on demand that somebody waits or watches.
func (st *stream) want() {
	select {
	case st.wanted <- struct{}{}:
	default:
	}
}

// watched is how many viewers there are and wait.
func (st *stream) watched() int64 { return st.stats.viewers.Load() + st.stats.held.Load() }
