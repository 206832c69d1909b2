// Package outage tells of what fails again and again: once in the log for each kind of failure, and by a word in the
// metrics. Pulls and forwards have one for each server that they go to.
package outage

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"pumpd/server/clock"
	"pumpd/server/view"
)

// An Outage is a run of failures. The log gets the first of each kind as it comes, and once a minute that it goes on;
// all others are for debugging. One goroutine owns it.
type Outage struct {
	What   string  // that fails, for the log: upstream
	Place  string  // by which name the log tells of which: from
	Causes []Cause // words for errors of its own

	Tries int        // that have failed in this run
	Last  view.Error // of this run or the one before

	since  clock.Instant
	told   clock.Instant
	causes []string
}

const (
	tellAgain = time.Minute
	maxCauses = 4 // that are told at once
)

// Log notes and logs a failure. known: the log has it already.
func (t *Outage) Log(log *slog.Logger, at string, err error, known bool, now clock.Instant) {
	t.Tries++
	t.Last = view.NewError(err, causeOf(err, t.Causes), now)
	if t.Tries == 1 {
		t.since, t.told = now, now
	}
	switch {
	case t.isNew(rootOf(err)):
		t.told = now
		if !known {
			log.Warn(t.What+" failed", t.Place, at, "err", err)
		}
	case now.Since(t.told) >= tellAgain:
		t.told = now
		log.Warn(t.What+" still fails", t.Place, at, "tries", t.Tries, "for", now.Since(t.since).Round(time.Second), "err",
			err)
	default:
		log.Debug(t.What+" failed again", t.Place, at, "tries", t.Tries, "err", err)
	}
}

// isNew says whether a cause is the first of its kind in this run, as long as there are few.
func (t *Outage) isNew(cause string) bool {
	if slices.Contains(t.causes, cause) {
		return false
	}
	if len(t.causes) == maxCauses {
		return false
	}
	t.causes = append(t.causes, cause)
	return true
}

// End ends the run, if there is one.
func (t *Outage) End(log *slog.Logger, at string, now clock.Instant) {
	if t.Tries > 0 {
		log.Info(t.What+" is good again", t.Place, at, "failures", t.Tries, "after", now.Since(t.since).Round(time.Second))
		*t = Outage{What: t.What, Place: t.Place, Causes: t.Causes, Last: t.Last}
	}
}

// rootOf is the innermost error, which has no ports and addresses in it that differ each time.
func rootOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
