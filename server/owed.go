package server

import (
	"bytes"
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
)

// Replies that the socket does not take at once. A stream's header is up to 64 KB, and whoever asks for it on thousands
// of connections and reads nothing must not make as many copies of it: a conn owes what is left of the one that all
// share.
//
//	reply:  head ▶ small, kept by the wire    body ▶ conn.owed, kept by nobody

const (
	sendTime      = 5 * time.Second // for which a client may take nothing of a reply before it is disconnected
	maxUnanswered = 4               // requests that may wait while a reply is not sent
)

// unsent is how much of c's replies the socket has not taken.
func (c *conn) unsent() int { return len(c.owed) + c.wire.unsent() }

// sendShared ends the head and writes it, and the body as far as the socket takes it. c owes the rest.
func (l *loop) sendShared(c *conn, b, body []byte) {
	b = append(b, "\r\n"...)
	l.reply = b[:0]
	n := c.wire.try(b, body)
	if n < len(b) {
		c.wire.write(b[n:])
		n = len(b)
	}
	c.owed = body[n-len(b):]
	l.pay(c)
}

// pay sends what c owes as far as the socket takes it, and has the watcher tell when it takes more. It is false when
// the socket took nothing.
func (l *loop) pay(c *conn) (some bool) {
	for c.phase != closed && len(c.owed) > 0 {
		n := c.wire.try(nil, c.owed)
		if n == 0 {
			l.expect(c)
			return some
		}
		c.owed, some = c.owed[n:], true
	}
	c.owed = nil // it must not hold the generation
	return some
}

// sending sets the deadline of a reply, if the socket has not taken all of it.
func (c *conn) sending(now clock.Instant) {
	if c.late = c.unsent() > 0; c.late {
		c.deadline = now.Add(sendTime)
	}
}

// deliver goes on sending a reply; when all of it is sent, with the next request or with closing.
func (l *loop) deliver(c *conn, now clock.Instant) {
	if l.pay(c) {
		c.deadline = now.Add(sendTime)
	}
	if c.unsent() > 0 {
		return
	}
	c.late = false
	switch c.phase {
	case awaiting:
		c.deadline = now.Add(keepAliveTime)
		l.process(c, now)
	case closing:
		c.deadline = now.Add(lingerTime)
		c.shut()
	}
}

// ahead ends a conn that sends too many requests, b, while it does not read the reply before.
func (l *loop) ahead(c *conn, b []byte) {
	if len(b) > maxUnserved || bytes.Count(b, blankLine) > maxUnanswered {
		l.mark(c, reason.TooLarge)
	}
}

var blankLine = []byte("\n\r\n")
