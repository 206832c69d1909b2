package tally

import (
	"slices"
	"strings"
)

// ByName are values by their names, for descriptions of what moves to another process. They are a list and no map: gob
// makes a map as large as is announced, before anything of it has come.
type ByName[V any] []Named[V]

// A Named is one of them.
type Named[V any] struct {
	Name  string
	Value V
}

// Add adds a value by a name that is not there yet. Whoever makes a list with it has it in the order of the names.
func (l *ByName[V]) Add(name string, v V) {
	at, _ := slices.BinarySearchFunc(*l, name, func(n Named[V], name string) int { return strings.Compare(n.Name, name) })
	*l = slices.Insert(*l, at, Named[V]{name, v})
}

// Get is the value of a name, whatever the order; false, and the zero one: there is none.
func (l ByName[V]) Get(name string) (v V, ok bool) {
	for i := range l {
		if l[i].Name == name {
			return l[i].Value, true
		}
	}
	return v, false
}

// Of is the value of a name, the zero one if there is none.
func (l ByName[V]) Of(name string) V {
	v, _ := l.Get(name)
	return v
}
