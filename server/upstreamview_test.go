package server

import (
	"fmt"
	"strings"
	"testing"
)

func TestLastErrorIsOneShortLine(t *testing.T) {
	e := newLastError(fmt.Errorf("a\nb\x1b[31m %s", strings.Repeat("é", 1000)), "", 1)
	if len(e.text) > maxErrorText+len("…") || strings.ContainsAny(e.text, "\n\x1b") || !strings.HasPrefix(e.text, "a b") {
		t.Errorf("%d bytes: %q", len(e.text), e.text)
	}
}
