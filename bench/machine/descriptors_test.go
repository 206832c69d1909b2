package machine

import (
	"os"
	"testing"
)

func TestDescriptors(t *testing.T) {
	before, err := Descriptors(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const more = 20 // the runtime may open one of its own meanwhile
	for range more {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if after, err := Descriptors(os.Getpid()); err != nil || after < before+more || after > before+more+5 {
		t.Errorf("%d, then %d more: got %d, %v", before, more, after, err)
	}
	if _, err := Descriptors(1 << 30); err == nil {
		t.Error("a process that cannot be: no error")
	}
}
