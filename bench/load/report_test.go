package load

import "testing"

// Refusals make a run bad only where nobody comes back.
func TestVerdictOfRefusals(t *testing.T) {
	for _, c := range []struct {
		s    Summary
		good bool
	}{
		{Summary{Bytes: 1, SlowestPart: 1}, true},
		{Summary{Bytes: 1, SlowestPart: 1, Refused: 1}, false},
		{Summary{Bytes: 1, SlowestPart: 1, Refused: 1, Reconnect: true}, true},
		{Summary{Bytes: 0, SlowestPart: 1, Refused: 1, Reconnect: true}, false},
	} {
		if err := c.s.Verdict(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
}
