package server

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A trimmer gives memory back after a crowd has come or gone, or a flood of requests is over: both leave garbage
// behind, and a pump then allocates so little that Go would keep it for minutes.
type trimmer struct {
	before int64 // connections a second ago
	at     int64 // connections when memory was last given back
	since  int   // seconds since then
	burst  bool  // since then a second was busy, or much was let go of

	allocated uint64 // bytes until a second ago
}

// due says whether it is time: the number of connections has changed by an eighth, or much was allocated, and now it
// has come to rest. n is how many connections there are; busy: much was allocated in the last second.
func (t *trimmer) due(n int64, busy bool) bool {
	const (
		few   = 256 // a change not worth a collection
		pause = 10  // seconds: where floods come and go all the time they cost no more than that
	)
	resting := max(n-t.before, t.before-n) <= max(few/8, n/64) // some always come and go
	changed := max(n-t.at, t.at-n) > max(few, n/8)
	over := t.burst && !busy && t.since >= pause
	t.before, t.burst = n, t.burst || busy
	t.since++
	if resting && (changed || over) {
		t.at, t.since, t.burst = n, 0, false
		return true
	}
	return false
}

// trim is called once a second.
func (t *trimmer) trim(n int64) {
	const much = 512 << 10 // bytes a second, in a small pump
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	allocated, live := sample[0].Value.Uint64(), sample[1].Value.Uint64()
	busy := allocated-t.allocated > max(much, live/64)
	t.allocated = allocated
	if t.due(n, busy) {
		runtime.GC() // what was kept for use again outlives one collection, sync.Pool says
		debug.FreeOSMemory()
	}
}
