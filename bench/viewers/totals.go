package viewers

import "sync/atomic"

// Totals are what workers have counted.
type Totals struct {
	Up         int64 // viewers that watch now
	Bytes      int64 // of stream
	Failed     int64 // viewers
	Admitted   int64 // answers with 200 to a Play or a GET, not counting those to stalled viewers, which do not look
	Refused    int64 // answers with another status than 200, and no redirects that were followed
	Redirected int64 // answers that were followed elsewhere
	Cut        int64 // slow and stalled viewers that the server closed
	Silent     int64 // viewers that heard nothing for too long
	Returned   int64 // viewers that came back, without refusals
}

// Add adds those of another worker.
func (t *Totals) Add(o Totals) {
	t.Up += o.Up
	t.Bytes += o.Bytes
	t.Failed += o.Failed
	t.Admitted += o.Admitted
	t.Refused += o.Refused
	t.Redirected += o.Redirected
	t.Cut += o.Cut
	t.Silent += o.Silent
	t.Returned += o.Returned
}

// tally is the totals of one worker while it runs.
type tally struct {
	up, bytes, failed, admitted, refused, redirected, cut, silent, returned atomic.Int64
}

func (t *tally) totals() Totals {
	return Totals{
		Up: t.up.Load(), Bytes: t.bytes.Load(), Failed: t.failed.Load(), Refused: t.refused.Load(),
		Admitted: t.admitted.Load(), Redirected: t.redirected.Load(),
		Cut: t.cut.Load(), Silent: t.silent.Load(), Returned: t.returned.Load(),
	}
}
