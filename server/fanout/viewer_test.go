package fanout

import (
	"testing"
	"unsafe"
)

// What each round looks at of a viewer is one line of the processor's cache, and so is what tells whether it has TLS.
func TestViewerIsSmall(t *testing.T) {
	var v Viewer
	const line, word = 64, unsafe.Sizeof(uintptr(0))
	if end := unsafe.Offsetof(v.slot) + unsafe.Sizeof(v.slot); end > line {
		t.Errorf("a round looks at %d bytes, want at most %d", end, line)
	}
	if end := unsafe.Offsetof(v.tls) + word; end > line {
		t.Errorf("whether a viewer has TLS is to be seen after %d bytes, want at most %d", end, line)
	}
	if size := unsafe.Sizeof(v); size > 112 {
		t.Errorf("a viewer has %d bytes, want at most 112", size)
	}
}
