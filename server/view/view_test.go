package view

import (
	"fmt"
	"strings"
	"testing"
)

func TestLastErrorIsOneShortLine(t *testing.T) {
	e := NewError(fmt.Errorf("a\nb\x1b[31m %s", strings.Repeat("é", 1000)), "", 1)
	if len(e.Text) > maxErrorText+len("…") || strings.ContainsAny(e.Text, "\n\x1b") || !strings.HasPrefix(e.Text, "a b") {
		t.Errorf("%d bytes: %q", len(e.Text), e.Text)
	}
}
