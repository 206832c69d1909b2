package stream

import (
	"testing"

	"pumpd/server/config"
)

// Who sees a new header in the chain can ask for it: it is what a newcomer gets by then.
func TestNewcomersGetTheNewHeaderFirst(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.publish(3)
	c := &f.st.chain
	last, told := c.last, false
	c.begin(newGeneration(c.gen.header, config.Burst{}), f.at, func(j *Joins) {
		told = true
		if last.next.Load() != nil || j.Start.order != last.order+1 || j.Start.index != last.index+1 {
			t.Errorf("joins %+v behind element %d when next is %v", j, last.order, last.next.Load())
		}
	})
	if !told || last.next.Load() != c.last || c.last.kind != HeaderElement {
		t.Errorf("told %v, the last element is %+v", told, c.last)
	}
}
