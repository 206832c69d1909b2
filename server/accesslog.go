package server

import (
	"context"
	"log/slog"
	"unique"

	"pumpd/server/fanout"
	"pumpd/server/logging"
)

// logViewer writes the one line that a viewer leaves in the access log.
func logViewer(log *slog.Logger, c *conn, had fanout.Stay) {
	log.Info(logging.ViewerLeft,
		"reason", c.why.String(),
		"stream", had.Stream.Config().Path,
		"from", c.remote.String(),
		"agent", c.agent.Value(),
		"seconds", float64(had.Length.Milliseconds())/1000,
		"bytes", had.Bytes,
		"skips", had.Skips,
	)
}

// logRefusal says why somebody is turned away, to those who debug that: strangers can make any number of these.
func (l *loop) logRefusal(c *conn, to requester, code int, why string) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("request refused", "from", c.remote, "status", code, "method", string(to.method),
			"target", string(to.target), "err", why)
	}
}

// agentName keeps what a client calls itself, as far as it is worth keeping.
func agentName(b []byte) unique.Handle[string] {
	const longest = 120
	return unique.Make(string(b[:min(len(b), longest)]))
}
