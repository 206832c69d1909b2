package clock

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		failures int
		random   float64
		want     time.Duration
	}{
		{1, 0, 500 * time.Millisecond},
		{1, 0.5, 375 * time.Millisecond},
		{4, 0, 500 * time.Millisecond},
		{5, 0, time.Second},
		{6, 0, 2 * time.Second},
		{9, 0, 16 * time.Second},
		{10, 0, 30 * time.Second},
		{11, 0.5, 22500 * time.Millisecond},
		{1 << 40, 0, 30 * time.Second},
		{0, 0, 500 * time.Millisecond},
		{-1, 0, 500 * time.Millisecond},
	} {
		if got := Backoff(tt.failures, tt.random); got != tt.want {
			t.Errorf("backoff(%d, %v) = %v, want %v", tt.failures, tt.random, got, tt.want)
		}
	}
}

// However the dice fall: never nothing, never more than the limit, and the first pause is short.
func TestBackoffBounds(t *testing.T) {
	const almost = 0.9999999999999999
	for failures := range 100 {
		for _, random := range []float64{0, 0.3, almost} {
			if got := UrgentBackoff(failures, random); got < firstPause/2 || got > urgentPause {
				t.Errorf("urgentBackoff(%d, %v) = %v, want %v to %v", failures, random, got, firstPause/2, urgentPause)
			}
			got := Backoff(failures, random)
			if got < firstPause/2 || got > longestPause {
				t.Errorf("backoff(%d, %v) = %v, want %v to %v", failures, random, got, firstPause/2, longestPause)
			}
			if failures <= quickTries && got >= time.Second {
				t.Errorf("first pause %v, want less than a second", got)
			}
		}
	}
}
