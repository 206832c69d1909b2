package server

import "log/slog"

// logViewer writes the one line that a viewer leaves in the access log.
func logViewer(log *slog.Logger, v *viewer, why reason, now instant) {
	log.Info(logViewerLeft,
		"reason", why.String(),
		"stream", v.audience.stream.cfg.Path,
		"from", v.conn.remote.String(),
		"agent", v.agent.Value(),
		"seconds", float64(now.since(v.joined).Milliseconds())/1000,
		"bytes", v.bytes,
		"skips", v.skips,
	)
}
