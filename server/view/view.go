// Package view is what operators are shown of those who feed a stream: what a pull makes of its upstreams, and what
// went wrong last. All of it are values that do not change.
package view

import (
	"strings"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// A State is what a pull makes of one of its upstreams at the moment.
type State uint8

const (
	Idle       State = iota // not asked, not needed; then connecting
	Connecting              // asked for the stream; then standby, feeding, failed or idle
	Standby                 // its packets are kept as spare; then feeding, failed or idle
	Feeding                 // its packets are the stream's; then standby, failed or idle
	Failed                  // the last attempt did; then connecting, or returning if preferred
	Returning               // has failed and answers again; then connecting after failback, or failed
)

func (s State) String() string {
	return [...]string{"idle", "connecting", "standby", "feeding", "failed", "returning"}[s]
}

// An Upstream is an upstream as the status page has it.
type Upstream struct {
	Name     string // its URL as it is configured, without what may be secret
	State    State
	Failures int           // in a row
	Again    clock.Instant // failed: when it is asked next; returning: when it gets the stream; past: nothing is planned
	Last     Error
}

// An Error is the newest one of an upstream or a file, which may be good by now. Zero: there was none.
type Error struct {
	Text  string // one line
	Cause string // a word for it, of a short list; "" where nobody counts them
	At    clock.Instant
}

const maxErrorText = 300 // bytes

// NewError keeps what an operator wants to read, on one line; cause is a word for it, "" where nobody counts them.
func NewError(err error, cause string, now clock.Instant) Error {
	text := config.OneLine(err.Error())
	return Error{Text: strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "…"), Cause: cause, At: now}
}
