package viewers

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		fields string
		want   time.Duration
	}{
		{"Retry-After: 7\r\n", 7 * time.Second},
		{"Server: x\r\nRETRY-AFTER:0\r\n", 0},
		{"Retry-After: Fri, 27 Nov 2026 05:00:30 GMT\r\n", 30 * time.Second},
		{"Retry-After: Fri, 27 Nov 2026 04:00:30 GMT\r\n", 0},
		{"", defaultRetry},
		{"Retry-After: soon\r\n", defaultRetry},
		{"Retry-After: -1\r\n", defaultRetry},
		{"Retry-After: 99999999999999999999\r\n", defaultRetry},
		{"X-Retry-After: 7\r\n", defaultRetry},
	} {
		head := "HTTP/1.0 503 Service Unavailable\r\n" + c.fields + "\r\n"
		if got := retryAfter([]byte(head), now); got != c.want {
			t.Errorf("%q: %v, want %v", c.fields, got, c.want)
		}
	}
}
