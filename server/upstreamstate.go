package server

import (
	"slices"
	"strings"
	"time"
)

// An upstreamState is what a pull makes of one of its upstreams at the moment.
type upstreamState uint8

const (
	upstreamIdle       upstreamState = iota // not asked, not needed; then connecting
	upstreamConnecting                      // asked for the stream; then standby, feeding, failed or idle
	upstreamStandby                         // its packets are kept as spare; then feeding, failed or idle
	upstreamFeeding                         // its packets are the stream's; then standby, failed or idle
	upstreamFailed                          // the last attempt did; then connecting, or returning if preferred
	upstreamReturning                       // has failed and answers again; then connecting after failback, or failed
)

func (s upstreamState) String() string {
	return [...]string{"idle", "connecting", "standby", "feeding", "failed", "returning"}[s]
}

// An upstreamView is an upstream as the status page has it. It does not change.
type upstreamView struct {
	name     string // asConfigured
	state    upstreamState
	failures int     // in a row
	again    instant // failed: when it is asked next; returning: when it gets the stream; in the past: nothing is planned
	last     lastError
}

// A lastError is the newest one of an upstream, which may be good by now. Zero: there was none.
type lastError struct {
	text  string
	cause string
	at    instant
}

const maxErrorText = 300 // bytes

// newLastError keeps what an operator wants to read, on one line.
func newLastError(err error, now instant) lastError {
	text := oneLine(err.Error())
	return lastError{text: strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "…"), cause: causeOf(err), at: now}
}

// allFailed says that every upstream has failed when it was asked last, and that none of them has anything. One that is
// being asked again is not better for that.
func allFailed(views []upstreamView) bool {
	for _, v := range views {
		has := v.state == upstreamFeeding || v.state == upstreamStandby || v.state == upstreamReturning
		if has || v.failures == 0 {
			return false
		}
	}
	return true
}

// show publishes what has become of the upstreams.
func (p *puller) show() {
	p.views = p.views[:0]
	for _, q := range p.places {
		p.views = append(p.views, p.view(q))
	}
	if shown := p.st.upstreams.Load(); shown == nil || !slices.Equal(*shown, p.views) {
		views := slices.Clone(p.views)
		p.st.upstreams.Store(&views)
	}
}

func (p *puller) view(q *place) upstreamView {
	v := upstreamView{name: q.name, failures: q.trouble.tries, last: q.trouble.last}
	switch l := p.laneOf(q); {
	case l != nil && l == p.on:
		v.state = upstreamFeeding
	case l != nil && l.header != nil:
		v.state = upstreamStandby
	case l != nil:
		v.state = upstreamConnecting
	case q.good > 0:
		v.state, v.again = upstreamReturning, q.good.add(time.Duration(p.st.cfg.Failback))
	case q.trouble.tries > 0:
		v.state = upstreamFailed
		switch {
		case p.on == nil || p.pair:
			v.again = p.due(q)
		case q.rank < p.on.place.rank:
			v.again = q.probed
		}
	}
	return v
}
