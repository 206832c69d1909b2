package server

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// moved is a connection that another process has left with a request that waits there, until deadline or without one.
func (r *rig) moved(request string, deadline clock.Instant) *peer {
	r.fd++
	p := &peer{rig: r, room: plenty, in: []byte(request)}
	r.peers[r.fd] = p
	a := &arrivingConn{movedConn: movedConn{Remote: netip.AddrPortFrom(testClient, uint16(1000+r.fd)), Held: true,
		Deadline: deadline}}
	p.conn = r.loop.adopt(a, p, r.fd, r.at)
	r.loop.goOn(p.conn, a, r.at)
	return p
}

// A request that waits for something in one process may have to wait for something else in the next one. It is answered
// there, and no later than it was to be.
func TestMovedRequestIsAnswered(t *testing.T) {
	const patience = 30 * time.Second
	for _, c := range []struct {
		name          string
		guesses       int
		up            bool
		left          time.Duration // that it would have waited on; 0: for ever
		after, before time.Duration
	}{
		{"was to be compared, and has a turn at once", 0, true, 0, 0, 0},
		{"was to be compared, and has to wait for a turn", 7, true, 0, time.Second, 5 * time.Second},
		{"has waited for a turn", 7, true, 250 * time.Millisecond, 250 * time.Millisecond, 750 * time.Millisecond},
		{"has waited for the stream", 0, false, 10 * time.Second, 10 * time.Second, 11 * time.Second},
		{"was to be compared, and the stream is not up", 0, false, 0, patience, patience + time.Second},
	} {
		r := newRig(t, private(func(s *config.Stream) {
			byPassword(s)
			s.Hold = config.Duration(patience)
		}), "a")
		st := r.reg.Streams()[0]
		if c.up {
			r.feeder(0, 320).publish(3)
		}
		for range c.guesses {
			r.loop.node.viewing.Wrong(st.ID(), testClient, r.at)
		}
		deadline := clock.Instant(0)
		if c.left > 0 {
			deadline = r.at.Add(c.left)
		}
		begun := r.at
		p := r.moved("GET /streams/a HTTP/1.1\r\nUser-Agent: "+curlAgent+"\r\n"+basic("ann", "secret")+"\r\n", deadline)
		for len(p.got) == 0 && r.at.Since(begun) < time.Minute {
			r.turnFor(250 * time.Millisecond)
		}
		if took := r.at.Since(begun); len(p.got) == 0 || took < c.after || took > c.before ||
			c.up != strings.Contains(p.status(), "200") {
			t.Errorf("%s: %q after %v, want an answer after %v to %v", c.name, p.got, took, c.after, c.before)
		}
	}
}
