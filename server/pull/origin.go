package pull

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"pumpd/server/clock"
	"pumpd/server/upstream"
	"pumpd/server/view"
)

// An origin is an upstream of the configuration and what is remembered of how it behaved.
type origin struct {
	// Set by newPuller, never changed.
	at   *upstream.Address
	name string // for people
	rank int    // 0 is the preferred one

	// The puller's goroutine only.
	failures int           // in a row
	failed   clock.Instant // the last of them
	retry    clock.Instant // not before
	urgent   clock.Instant // nor before this where somebody waits for it
	probing  bool
	probed   clock.Instant // the next probe: not before
	good     clock.Instant // since when all probes have found it good; 0: the last one has not
	outage   outage
}

const (
	goodRun        = time.Second      // packets for so long, and the next failure is the first in a row
	steadyRun      = 10 * time.Second // and for so long, and the outage is over
	failurePenalty = time.Minute      // for so long a failure makes other upstreams go first
)

// before says which of two origins that may both be tried is tried first: one that has not failed lately, else the one
// that has not been tried for longer.
func (p *origin) before(q *origin, now clock.Instant) bool {
	bad, worse := p.suspect(now), q.suspect(now)
	switch {
	case bad != worse:
		return worse
	case bad && p.failed != q.failed:
		return p.failed < q.failed
	}
	return p.rank < q.rank
}

func (p *origin) suspect(now clock.Instant) bool {
	return p.failures > 0 && now.Since(p.failed) < failurePenalty
}

// fail remembers a failure after packets came for so long; random as in backoff.
func (p *origin) fail(now clock.Instant, lasted time.Duration, random float64) {
	if lasted >= goodRun {
		p.failures = 0
	}
	p.failures++
	p.failed, p.good = now, 0
	p.retry = now.Add(clock.Backoff(p.failures, random))
	p.urgent = now.Add(clock.UrgentBackoff(p.failures, random))
}

// due is when an origin may be tried. Viewers without a source do not wait until pauses of half a minute are over.
func (p *puller) due(q *origin) clock.Instant {
	if p.active == nil && p.st.Watched() > 0 {
		return q.urgent
	}
	return q.retry
}

// An outage is a run of failures. The log gets the first of each kind as it comes, and once a minute that it goes on;
// all others are for debugging.
type outage struct {
	tries  int
	since  clock.Instant
	told   clock.Instant
	causes []string
	last   view.Error // of this run or the one before
}

const (
	tellAgain = time.Minute
	maxCauses = 4 // that are told at once
)

// log logs a failure. known: the log has it already.
func (t *outage) log(log *slog.Logger, from string, err error, known bool, now clock.Instant) {
	t.tries++
	t.last = view.NewError(err, causeOf(err), now)
	if t.tries == 1 {
		t.since, t.told = now, now
	}
	switch {
	case t.isNew(rootOf(err)):
		t.told = now
		if !known {
			log.Warn("upstream failed", "from", from, "err", err)
		}
	case now.Since(t.told) >= tellAgain:
		t.told = now
		log.Warn("upstream still fails", "from", from, "tries", t.tries, "for", now.Since(t.since).Round(time.Second), "err",
			err)
	default:
		log.Debug("upstream failed again", "from", from, "tries", t.tries, "err", err)
	}
}

// isNew says whether a cause is the first of its kind in this run, as long as there are few.
func (t *outage) isNew(cause string) bool {
	if slices.Contains(t.causes, cause) {
		return false
	}
	if len(t.causes) == maxCauses {
		return false
	}
	t.causes = append(t.causes, cause)
	return true
}

// end ends the run, if there is one.
func (t *outage) end(log *slog.Logger, from string, now clock.Instant) {
	if t.tries > 0 {
		log.Info("upstream is good again", "from", from, "failures", t.tries, "after", now.Since(t.since).Round(time.Second))
		*t = outage{last: t.last}
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
