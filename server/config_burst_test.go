package server

import "testing"

func TestBurstText(t *testing.T) {
	for _, text := range []string{"auto", "0s", "2500ms", "60s"} {
		b := Burst{Auto: true}
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != text {
			t.Errorf("%q: %+v (%v), %v", text, b, b, err)
		}
	}
	if err := new(Burst).UnmarshalText([]byte("automatic")); err == nil {
		t.Error("automatic is allowed")
	}
}
