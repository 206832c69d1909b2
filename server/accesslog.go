package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"strings"
	"time"
	"unique"

	"pumpd/codec"
	"pumpd/server/accesslog"
	"pumpd/server/clock"
	"pumpd/server/fanout"
	"pumpd/server/logging"
	"pumpd/server/stream"
)

// A client is what of a viewer's request the access log has.
type client struct {
	agent, host string
	minor       int // of its HTTP version
}

func clientOf(r *codec.Request) unique.Handle[client] {
	const longest = 255 // of a name in DNS
	return unique.Make(client{agentName(r.UserAgent), string(r.Host[:min(len(r.Host), longest)]), r.Minor})
}

// agentName keeps what a client calls itself, as far as it is worth keeping.
func agentName(b []byte) string {
	const longest = 120
	return string(b[:min(len(b), longest)])
}

// logViewer writes the one line that a viewer leaves: in the access log, or else in the log.
func (l *loop) logViewer(c *conn, had fanout.Stay) {
	level := slog.LevelInfo
	if l.node.visits.On() {
		l.node.visits.Add(l.visit(c, had, c.why.String()))
		level = slog.LevelDebug
	}
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	fields := []any{
		"reason", c.why.String(),
		"stream", had.Stream.Config().Path,
		"from", c.remote.String(),
		"agent", c.who.Value().agent,
		"seconds", float64(had.Length.Milliseconds()) / 1000,
		"bytes", had.Bytes,
		"skips", had.Skips,
	}
	if name := l.viewerOn(c); name != "" {
		fields = append(fields, "viewer", name)
	}
	l.log.Log(context.Background(), level, logging.ViewerLeft, fields...)
}

// visit is what the access log says of a viewer that has left for a reason, or "" still watches.
func (l *loop) visit(c *conn, had fanout.Stay, why string) *accesslog.Visit {
	who, now := c.who.Value(), time.Now()
	return &accesslog.Visit{
		Begun: now.Add(-had.Length), Until: now, From: c.remote, Viewer: l.viewerOn(c), Host: who.host,
		Path: "/streams/" + had.Stream.Config().Path, Agent: who.agent, Minor: who.minor, Dialect: had.Dialect,
		TLS: tlsVersion(c), Reason: why, Session: had.Session, Bytes: had.Bytes, Skips: had.Skips, Lag: had.Lag,
		Watching: had.Stream.Stats().Viewers.Load(), Reports: had.Reports,
	}
}

// tlsVersion is how the peer speaks TLS, such as "TLSv1.3", or "TLS" where nobody knows, "" where it does not.
func tlsVersion(c *conn) string {
	version, ok := c.tlsNumber()
	switch {
	case !ok:
		return ""
	case version == 0:
		return "TLS"
	}
	return strings.ReplaceAll(tls.VersionName(version), " ", "v")
}

// reports are how far the loop has come with lines for those who still watch: so far through its conns since they were
// begun. That spreads them evenly over the interval, and no viewer has to have a time of its own.
type reports struct {
	next  int // index in conns
	begun clock.Instant
}

// reportSome writes a line for as many of those who still watch as are due until it is called again, after
// choreInterval, so that each has one every interval.
func (l *loop) reportSome(now clock.Instant) {
	interval, r := l.limits.accessInterval, &l.reported
	if interval == 0 || !l.node.visits.On() {
		*r = reports{begun: now}
		return
	}
	part := float64(now.Since(r.begun)+choreInterval) / float64(interval)
	until := len(l.conns)
	if part < 1 {
		until = int(part * float64(until))
	}
	for ; r.next < until; r.next++ {
		if c := l.conns[r.next]; c != nil && c.viewer != nil && c.phase == viewing {
			l.node.visits.Add(l.visit(c, l.hub.StayOf(c.viewer, now), ""))
		}
	}
	if part >= 1 {
		*r = reports{begun: max(now, r.begun.Add(interval))}
	}
}

// logJoin is for those who debug that.
func (l *loop) logJoin(c *conn, st *stream.Stream) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("viewer joined", "stream", st.Config().Path, "from", c.remote, "agent", c.who.Value().agent)
	}
}

// logRefusal says why somebody is turned away, to those who debug that: strangers can make any number of these.
func (l *loop) logRefusal(c *conn, to requester, code int, why string) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("request refused", "from", c.remote, "status", code, "method", string(to.method),
			"target", string(codec.WithoutQuery(to.target)), "err", why)
	}
}
