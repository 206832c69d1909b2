package main

import "sync/atomic"

// totals is what workers have counted.
type totals struct {
	up       int64 // viewers that watch now
	bytes    int64 // of stream
	failed   int64 // viewers
	refused  int64 // answers with another status than 200
	cut      int64 // slow and stalled viewers that the server closed
	silent   int64 // viewers that heard nothing for too long
	returned int64 // viewers that came back, without refusals
}

func (t *totals) add(o totals) {
	t.up += o.up
	t.bytes += o.bytes
	t.failed += o.failed
	t.refused += o.refused
	t.cut += o.cut
	t.silent += o.silent
	t.returned += o.returned
}

// tally is the totals of one worker while it runs.
type tally struct {
	up, bytes, failed, refused, cut, silent, returned atomic.Int64
}

func (t *tally) totals() totals {
	return totals{
		up: t.up.Load(), bytes: t.bytes.Load(), failed: t.failed.Load(), refused: t.refused.Load(),
		cut: t.cut.Load(), silent: t.silent.Load(), returned: t.returned.Load(),
	}
}
