package stream

import (
	"math/bits"
	"sync/atomic"

	"pumpd/server/config"
)

// A loopSet is a set of loops by their id: those that are told when a stream grows. Loops put themselves in and out,
// the stream's writer looks at it for each packet. Ringing a loop that has nothing to do with the stream costs as much
// as reading the packet.
type loopSet [config.MaxLoops / 64]atomic.Uint64

func (s *loopSet) add(id int)    { s[id/64].Or(1 << (id % 64)) }
func (s *loopSet) remove(id int) { s[id/64].And(^uint64(1 << (id % 64))) }

// within says that s is not empty and that all of it is in o.
func (s *loopSet) within(o *loopSet) bool {
	some := uint64(0)
	for i := range s {
		word := s[i].Load()
		if word&^o[i].Load() != 0 {
			return false
		}
		some |= word
	}
	return some != 0
}

// each calls visit with every id in the set.
func (s *loopSet) each(visit func(id int)) {
	for i := range s {
		for word := s[i].Load(); word != 0; word &= word - 1 {
			visit(i*64 + bits.TrailingZeros64(word))
		}
	}
}
