package pull

import (
	"os"

	"pumpd/server/clock"
	"pumpd/server/standstill"
)

// A Snapshot is what another process needs to go on with a pull where it was.
type Snapshot struct {
	Awake   bool          // of a stream on demand: somebody watches, or did not long ago
	Watched clock.Instant // the last time that somebody did, while awake
}

// An Inheritance is what the process before has left.
type Inheritance struct {
	*Snapshot
	Socket *os.File // the connection to the upstream, the callee's; nil: none
}

// state is for a puller that stands still.
func (p *puller) state() standstill.State {
	return standstill.State{Snapshot: &Snapshot{Awake: p.awake, Watched: p.watched}, FD: -1}
}

// leave lets go of a stream that another process feeds from here on, and tells nobody. Who else may yet feed it here
// finds it vacant.
func (p *puller) leave() {
	p.withdraw()
	if p.source != nil {
		p.release(p.source.Yield)
	}
}

// inherit takes what there is from another process.
func (p *puller) inherit(from *Inheritance) {
	if from == nil {
		return
	}
	p.awake, p.watched = from.Awake, from.Watched
	if from.Socket != nil {
		from.Socket.Close() // this one dials anew
	}
}
