package server

import (
	"log/slog"
	"time"

	"pumpd/server/via"
)

// A client asks upstreams for one stream, and is the same to all of them. Never changed once it asks; any goroutine may
// ask.
type client struct {
	dialer *dialer
	name   via.Name // by which a circle of pumps is found out
	guid   string   // as players have one
	follow followRule
	stall  time.Duration // an answer may take so long, and then each packet
	log    *slog.Logger
}
