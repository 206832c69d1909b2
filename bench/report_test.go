package main

import "testing"

// Refusals make a run bad only where nobody comes back.
func TestVerdictOfRefusals(t *testing.T) {
	for _, c := range []struct {
		s    summary
		good bool
	}{
		{summary{Bytes: 1, SlowestPart: 1}, true},
		{summary{Bytes: 1, SlowestPart: 1, Refused: 1}, false},
		{summary{Bytes: 1, SlowestPart: 1, Refused: 1, Reconnect: true}, true},
		{summary{Bytes: 0, SlowestPart: 1, Refused: 1, Reconnect: true}, false},
	} {
		if err := c.s.verdict(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
}
