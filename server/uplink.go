package server

import (
	"log/slog"

	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
)

// lineOf is what the configuration says of the line.
func lineOf(cfg *config.Server) line.Settings {
	const parts = 1e6
	return line.Settings{
		BitsPerSecond: int64(cfg.Uplink.Rate),
		Auto:          cfg.Uplink.Auto,
		Reserve:       float64(cfg.UplinkReserve.Of(parts)) / parts,
	}
}

// newLine makes what the node knows of its line. What that is found to carry is a limit of the ledger, and while it is
// full nobody comes in.
func newLine(s line.Settings, ledger *admission.Ledger, log *slog.Logger) *line.Line {
	wasFull := false // under the line's mutex
	return line.New(line.Options{
		Settings: s,
		Changed: func(bytesPerSecond int64, full bool) {
			ledger.SetUplink(8 * bytesPerSecond)
			carries := config.Bandwidth(8 * bytesPerSecond / 1e4 * 1e4)
			switch {
			case full:
				log.Warn("the line is full, newcomers are refused", "carries", carries)
			case wasFull:
				log.Info("the line is not full any more", "carries", carries)
			default:
				log.Debug("the line may carry more", "carries", carries)
			}
			wasFull = full
		},
		Shut: func(shut bool) { ledger.Shut(admission.Line, shut) },
		Free: func() int64 {
			_, free := ledger.Line()
			return free / 8
		},
	})
}

// setLine has another configuration of the line count from now on. Hubs that have begun to care what it carries go on:
// without an uplink it carries everything.
func (s *Server) setLine() {
	settings := lineOf(&s.config().Server)
	s.node.line.Set(settings)
	s.node.ledger.SetUplink(0)
	s.node.ledger.Shut(admission.Line, false)
	if settings.On() {
		s.node.tell(func(l *loop, _ clock.Instant) { l.hub.Watch(s.node.line) })
	}
}
