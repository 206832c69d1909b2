package view

import (
	"time"

	"pumpd/server/clock"
)

// A ForwardState is what becomes of a forward at the moment.
type ForwardState uint8

const (
	ForwardWaiting    ForwardState = iota // there is nothing to push; then connecting
	ForwardConnecting                     // the server is dialled and asked; then pushing or failed
	ForwardPushing                        // packets go out; then waiting or failed
	ForwardFailed                         // the last attempt did, or its connection broke; then connecting or waiting
)

func (s ForwardState) String() string {
	return [...]string{"waiting", "connecting", "pushing", "failed"}[s]
}

// A Forward is a forward as the status page has it. The counters run since the start.
type Forward struct {
	Name       string // its URL as it is configured, without what may be secret
	State      ForwardState
	Lag        time.Duration // of pushing: how much of the stream is yet to go out
	Packets    uint64        // that were sent, again ones included
	Bytes      uint64        // that TCP was given, those of TLS included
	Resent     uint64        // packets that were sent again after a break
	Skips      uint64        // times that it went on with a newer key frame
	Reconnects uint64        // connections that followed one that broke
	Failures   int           // in a row
	Again      clock.Instant // failed: when it is tried next
	Last       Error
}
