// Package upstream reaches other servers and asks them for a stream: addresses, a Dialer with its proxies, certificates
// and limits, a Client with its requests, redirects and playlists, and the readers of what is answered. An Address, a
// Dialer and a Client never change; a Visit and an Answer belong to the goroutine that got them.
package upstream

import (
	"log/slog"
	"time"

	"pumpd/server/via"
)

// A Client asks upstreams for one stream, and is the same to all of them. Never changed once it asks; any goroutine may
// ask.
type Client struct {
	Dialer *Dialer
	Name   via.Name // by which a circle of pumps is found out
	GUID   string   // as players have one
	Follow FollowRule
	Stall  func() time.Duration // an answer may take so long, and then each packet; asked for each, it may change
	Log    *slog.Logger
}
