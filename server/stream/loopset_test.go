package stream

import (
	"slices"
	"testing"
)

func TestLoopSet(t *testing.T) {
	var s loopSet
	in := func() (ids []int) {
		s.each(func(id int) { ids = append(ids, id) })
		return ids
	}
	for _, id := range []int{255, 0, 64, 63} {
		s.add(id)
	}
	if got, want := in(), []int{0, 63, 64, 255}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	s.add(63)
	s.remove(64)
	s.remove(1)
	if got, want := in(), []int{0, 63, 255}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
