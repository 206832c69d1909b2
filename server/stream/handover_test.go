package stream

import (
	"bytes"
	"encoding/gob"
	"testing"

	"pumpd/asf/asftest"
)

// passed is v as another process gets it.
func passed[T any](t testing.TB, v T) (got T) {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// moved is a studio with the stream of f as another process has it, which holds are at, and whose source goes on.
func (f *studio) moved(holds ...*Element) (*studio, *Importer) {
	f.t.Helper()
	g := newStudio(f.t, nil)
	g.src.Yield()
	g.at, g.next = f.at, f.next
	x := f.st.Export()
	for _, e := range holds {
		x.Hold(e)
	}
	s := passed(f.t, x.Snapshot())
	m, err := g.st.Import(&s)
	if err != nil {
		f.t.Fatal(err)
	}
	for batch := range x.Batches(3000) {
		if err := m.Add(passed(f.t, batch)); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := m.Finish(); err != nil {
		f.t.Fatal(err)
	}
	g.src = g.st.Resume(nil)
	g.first = m.Element(s.Chain.Order)
	return g, m
}

func TestMovedStreamGoesOn(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.publish(35)
	g, _ := f.moved(f.first)
	if g.src == nil {
		t.Fatal("nobody writes")
	}
	g.publish(5)
	g.wants(asftest.Numbers(0, 40))
}
