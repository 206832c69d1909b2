package server

import (
	"log/slog"
	"time"
)

// A client asks upstreams for one stream, and is the same to all of them. Never changed once it asks.
type client struct {
	dialer *dialer
	name   pumpName // by which a circle of pumps is found out
	guid   string   // as players have one
	follow followRule
	stall  time.Duration // without a packet for so long a connection is given up
	log    *slog.Logger
}
