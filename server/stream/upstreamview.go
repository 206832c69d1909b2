package stream

import (
	"strings"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// An UpstreamState is what a pull makes of one of its upstreams at the moment.
type UpstreamState uint8

const (
	UpstreamIdle       UpstreamState = iota // not asked, not needed; then connecting
	UpstreamConnecting                      // asked for the stream; then standby, feeding, failed or idle
	UpstreamStandby                         // its packets are kept as spare; then feeding, failed or idle
	UpstreamFeeding                         // its packets are the stream's; then standby, failed or idle
	UpstreamFailed                          // the last attempt did; then connecting, or returning if preferred
	UpstreamReturning                       // has failed and answers again; then connecting after failback, or failed
)

func (s UpstreamState) String() string {
	return [...]string{"idle", "connecting", "standby", "feeding", "failed", "returning"}[s]
}

// An UpstreamView is an upstream as the status page has it. It does not change.
type UpstreamView struct {
	Name     string // asConfigured
	State    UpstreamState
	Failures int           // in a row
	Again    clock.Instant // failed: when it is asked next; returning: when it gets the stream; past: nothing is planned
	Last     LastError
}

// A LastError is the newest one of an upstream, which may be good by now. Zero: there was none.
type LastError struct {
	Text  string // one line
	Cause string // a word for it, of a short list; "" where nobody counts them
	At    clock.Instant
}

const maxErrorText = 300 // bytes

// NewLastError keeps what an operator wants to read, on one line; cause is a word for it, "" where nobody counts them.
func NewLastError(err error, cause string, now clock.Instant) LastError {
	text := config.OneLine(err.Error())
	return LastError{Text: strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "…"), Cause: cause, At: now}
}
