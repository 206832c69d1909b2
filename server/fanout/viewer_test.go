package fanout

import (
	"testing"
	"unsafe"
)

// What each round looks at of a viewer is one line of the processor's cache, and so is what tells whether it has TLS.
func TestViewerIsSmall(t *testing.T) {
	var v Viewer
	const line = 64
	if end := unsafe.Offsetof(v.tls) + unsafe.Sizeof(v.tls); end > line {
		t.Errorf("a round looks at %d bytes, want at most %d", end, line)
	}
	if size := unsafe.Sizeof(v); size > 96 {
		t.Errorf("a viewer has %d bytes, want at most 96", size)
	}
}
