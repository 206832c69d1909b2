package gobtest

import (
	"reflect"
	"testing"
)

type described struct {
	N    int
	Name string
	List []uint64
	More *described
}

func TestPassed(t *testing.T) {
	v := described{N: 1, Name: "a", List: []uint64{1, 2}, More: &described{N: -3}}
	if got := Passed(t, v); !reflect.DeepEqual(got, v) {
		t.Errorf("got %+v, want %+v", got, v)
	}
}

// Each value can be reached, and what is shared is not changed.
func TestSpoil(t *testing.T) {
	list := []uint64{1, 2, 3}
	made := map[int]bool{}
	for which := range byte(40) {
		for how := range byte(12) {
			v := described{N: 1, Name: "abc", List: list, More: &described{N: 2}}
			Spoil(&v, []byte{which, 0, how, 2})
			for i, changed := range []bool{
				v.N != 1, v.Name != "abc", len(v.List) < 3, len(v.List) > 3, v.More == nil, v.More != nil && v.More.N != 2,
			} {
				made[i] = made[i] || changed
			}
			list[0], list[1], list[2] = 1, 2, 3
		}
	}
	if len(made) != 6 {
		t.Fatal("nothing was looked at")
	}
	for i, did := range made {
		if !did {
			t.Errorf("change %d was never made", i)
		}
	}
}
