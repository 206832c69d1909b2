package server

import (
	"testing"

	"pumpd/server/config"
)

func TestBurstText(t *testing.T) {
	for _, text := range []string{"auto", "0s", "2500ms", "60s"} {
		b := config.Burst{Auto: true}
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != text {
			t.Errorf("%q: %+v (%v), %v", text, b, b, err)
		}
	}
	if err := new(config.Burst).UnmarshalText([]byte("automatic")); err == nil {
		t.Error("automatic is allowed")
	}
}
