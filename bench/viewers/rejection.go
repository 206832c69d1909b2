package viewers

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"pumpd/codec"
)

// A rejection is an answer with another status than 200. It is the server's choice and no failure: a full pump says 503
// and when to come back.
type rejection struct {
	status   int
	after    time.Duration // Retry-After; defaultRetry without one
	location string        // where else it may be had; "" if nowhere
}

// defaultRetry is when a viewer comes back that was refused, or failed, and not told when.
const defaultRetry = time.Second

func (r *rejection) Error() string { return fmt.Sprintf("status %d", r.status) }

// newRejection takes the parsed head of an answer, and the same as it came.
func newRejection(r *codec.Response, head []byte, now time.Time) *rejection {
	return &rejection{r.Status, retryAfter(head, now), string(r.Location)}
}

// retryAfter finds the field, in seconds or as a date.
func retryAfter(head []byte, now time.Time) time.Duration {
	for line := range bytes.Lines(head) {
		name, value, _ := strings.Cut(string(line), ":")
		if !strings.EqualFold(name, "Retry-After") {
			continue
		}
		value = strings.TrimSpace(value)
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			return time.Duration(n) * time.Second
		}
		if at, err := http.ParseTime(value); err == nil {
			return max(at.Sub(now), 0)
		}
	}
	return defaultRetry
}
