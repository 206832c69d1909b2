package tally

import "testing"

func TestByName(t *testing.T) {
	var l ByName[int]
	for i, name := range []string{"b", "c", "a"} {
		l.Add(name, i)
	}
	if l[0].Name != "a" || l[1].Name != "b" || l[2].Name != "c" {
		t.Errorf("%v is not in order", l)
	}
	if v, ok := l.Get("c"); v != 1 || !ok || l.Of("a") != 2 {
		t.Errorf("%v: c is %d, %t, a is %d", l, v, ok, l.Of("a"))
	}
	if v, ok := l.Get("d"); v != 0 || ok {
		t.Errorf("d is %d, %t", v, ok)
	}
	l[0], l[2] = l[2], l[0] // as somebody else may have sent it
	if l.Of("a") != 2 || l.Of("c") != 1 {
		t.Errorf("not found in %v", l)
	}
}
