package pull

import (
	"time"

	"pumpd/server/clock"
	"pumpd/server/outage"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// An origin is an upstream of the configuration and what is remembered of how it behaved.
type origin struct {
	// Set by newPuller, never changed.
	at   *upstream.Address
	url  string // as configured
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
	outage   outage.Outage
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

// causes are the words for errors that only a pull has.
var causes = []outage.Cause{
	{Err: errNoAnswer, Word: "no_answer"},
	{Err: errNoPicture, Word: "no_key_frame"},
	{Err: stream.ErrBadSource, Word: "bad_packets"},
}
