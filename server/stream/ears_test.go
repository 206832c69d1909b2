package stream

import "testing"

// Whoever hears gets one sign for any number of packets, and none once it has stopped; the writer waits for nobody.
func TestEars(t *testing.T) {
	var s ears
	var st Stream
	one, stopOne := st.Hear()
	other, stopOther := st.Hear()
	signs := func(c <-chan struct{}) (n int) {
		for len(c) > 0 {
			<-c
			n++
		}
		return n
	}
	st.ears.tell()
	st.ears.tell()
	if a, b := signs(one), signs(other); a != 1 || b != 1 {
		t.Errorf("%d and %d signs, want one each", a, b)
	}
	stopOne()
	st.ears.tell()
	if a, b := signs(one), signs(other); a != 0 || b != 1 {
		t.Errorf("%d signs for who has stopped, %d for the other", a, b)
	}
	stopOther()
	if st.ears.list.Load() != nil {
		t.Error("nobody hears, and a list is left")
	}
	if n := testing.AllocsPerRun(100, func() { s.tell() }); n != 0 {
		t.Errorf("%v allocations for nobody", n)
	}
}
