package fanout

import (
	"fmt"
	"log/slog"
)

// NewEngines makes an engine for each of n loops, of the kind that server.engine asks for. "auto" takes io_uring, which
// is never slower, where a trial shows that it works, and says so where it does not: kernels before 5.19 lack what we
// need of it, and containers often forbid it. An error says why "io_uring", asked for by name, does not work.
func NewEngines(setting string, n int, log *slog.Logger) ([]Engine, error) {
	return chooseEngines(setting, n, log, func() (Engine, error) { return newURing(log) })
}

func chooseEngines(setting string, n int, log *slog.Logger, ringed func() (Engine, error)) ([]Engine, error) {
	if setting != "sendto" {
		engines, err := several(n, ringed)
		if err == nil {
			return engines, nil
		}
		if setting == "io_uring" {
			return nil, fmt.Errorf("server.engine: \"io_uring\" does not work here: %w", err)
		}
		log.Info("sends go through sendto, io_uring does not work here", "err", err)
	}
	return several(n, func() (Engine, error) { return &sendto{}, nil })
}

// EngineName is what an engine is called in the configuration.
func EngineName(e Engine) string {
	if _, ok := e.(*sendto); ok {
		return "sendto"
	}
	return "io_uring"
}

// several makes n engines or none.
func several(n int, one func() (Engine, error)) ([]Engine, error) {
	var engines []Engine
	for range n {
		e, err := one()
		if err != nil {
			for _, e := range engines {
				e.Close()
			}
			return nil, err
		}
		engines = append(engines, e)
	}
	return engines, nil
}
