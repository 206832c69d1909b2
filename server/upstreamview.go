package server

import (
	"strings"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// An upstreamState is what a pull makes of one of its upstreams at the moment.
type upstreamState uint8

const (
	upstreamIdle       upstreamState = iota // not asked, not needed; then connecting
	upstreamConnecting                      // asked for the stream; then standby, feeding, failed or idle
	upstreamStandby                         // its packets are kept as spare; then feeding, failed or idle
	upstreamFeeding                         // its packets are the stream's; then standby, failed or idle
	upstreamFailed                          // the last attempt did; then connecting, or returning if preferred
	upstreamReturning                       // has failed and answers again; then connecting after failback, or failed
)

func (s upstreamState) String() string {
	return [...]string{"idle", "connecting", "standby", "feeding", "failed", "returning"}[s]
}

// An upstreamView is an upstream as the status page has it. It does not change.
type upstreamView struct {
	name     string // asConfigured
	state    upstreamState
	failures int           // in a row
	again    clock.Instant // failed: when it is asked next; returning: when it gets the stream; past: nothing is planned
	last     lastError
}

// A lastError is the newest one of an upstream, which may be good by now. Zero: there was none.
type lastError struct {
	text  string
	cause string
	at    clock.Instant
}

const maxErrorText = 300 // bytes

// newLastError keeps what an operator wants to read, on one line; cause is a word for it, "" where nobody counts them.
func newLastError(err error, cause string, now clock.Instant) lastError {
	text := config.OneLine(err.Error())
	return lastError{text: strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "…"), cause: cause, at: now}
}
