package server

import "runtime/debug"

// A trimmer gives memory back after a crowd has come or gone: joining leaves garbage behind, about as much as a viewer
// needs to stay, and a pump then allocates so little that Go would keep it for minutes.
type trimmer struct {
	before int64 // connections a second ago
	at     int64 // connections when memory was last given back
}

// due says whether it is time: the number of connections has changed by an eighth and has come to rest.
func (t *trimmer) due(n int64) bool {
	const few = 256                                            // a change not worth a collection
	resting := max(n-t.before, t.before-n) <= max(few/8, n/64) // some always come and go
	changed := max(n-t.at, t.at-n) > max(few, n/8)
	t.before = n
	if resting && changed {
		t.at = n
		return true
	}
	return false
}

// trim is called once a second.
func (t *trimmer) trim(n int64) {
	if t.due(n) {
		debug.FreeOSMemory()
	}
}
