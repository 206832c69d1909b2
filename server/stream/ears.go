package stream

import (
	"slices"
	"sync/atomic"
)

// ears are told of a stream's news on goroutines that are not loops: a forward has one. Each holds one sign, so the
// writer never waits, and a sign that is lost is one that is there already.
type ears struct {
	list atomic.Pointer[[]chan struct{}]
}

func (s *ears) tell() {
	list := s.list.Load()
	if list == nil {
		return
	}
	for _, e := range *list {
		select {
		case e <- struct{}{}:
		default:
		}
	}
}

// change replaces the list by what with makes of a copy.
func (s *ears) change(with func([]chan struct{}) []chan struct{}) {
	for {
		old := s.list.Load()
		var list []chan struct{}
		if old != nil {
			list = slices.Clone(*old)
		}
		next := &list
		if list = with(list); len(list) == 0 {
			next = nil
		}
		if s.list.CompareAndSwap(old, next) {
			return
		}
	}
}

// Hear gives a channel that holds a sign after the chain has grown, until stop is called. For goroutines that are not
// loops, which Listen.
func (st *Stream) Hear() (news <-chan struct{}, stop func()) {
	e := make(chan struct{}, 1)
	st.ears.change(func(list []chan struct{}) []chan struct{} { return append(list, e) })
	return e, func() {
		st.ears.change(func(list []chan struct{}) []chan struct{} {
			return slices.DeleteFunc(list, func(o chan struct{}) bool { return o == e })
		})
	}
}
