package server

import (
	"context"
	"log/slog"
	"unique"

	"pumpd/codec"
	"pumpd/server/fanout"
	"pumpd/server/logging"
)

// logViewer writes the one line that a viewer leaves in the access log. name is who it was, "" if nobody knows.
func logViewer(log *slog.Logger, c *conn, name string, had fanout.Stay) {
	fields := []any{
		"reason", c.why.String(),
		"stream", had.Stream.Config().Path,
		"from", c.remote.String(),
		"agent", c.agent.Value(),
		"seconds", float64(had.Length.Milliseconds()) / 1000,
		"bytes", had.Bytes,
		"skips", had.Skips,
	}
	if name != "" {
		fields = append(fields, "viewer", name)
	}
	log.Info(logging.ViewerLeft, fields...)
}

// logRefusal says why somebody is turned away, to those who debug that: strangers can make any number of these.
func (l *loop) logRefusal(c *conn, to requester, code int, why string) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("request refused", "from", c.remote, "status", code, "method", string(to.method),
			"target", string(codec.WithoutQuery(to.target)), "err", why)
	}
}

// agentName keeps what a client calls itself, as far as it is worth keeping.
func agentName(b []byte) unique.Handle[string] {
	const longest = 120
	return unique.Make(string(b[:min(len(b), longest)]))
}
