package stream

import (
	"errors"
	"fmt"
	"time"

	"pumpd/server/clock"
)

// What a source may cause. No encoder, server or player comes near; with a few KB a second a hostile one could else
// fill the log, or with 15 bytes a packet our memory, which viewers that do not read hold for a while.
var (
	// changeQuota is for headers, the same or others, and clocks that jump. Each is a line in the log and, if it starts a
	// generation, some copies of the header.
	changeQuota = quota{most: 32, refill: time.Second}

	// paddingQuota is for bytes of packets that are nearly nothing but padding, which we put back: 64 MB, then 16 MB/s.
	paddingQuota = quota{most: 64 << 20, refill: time.Second / (16 << 20)}
)

// mostlyPadding is how many times larger a packet must be than what came of it to count for the quota.
const mostlyPadding = 8

var (
	errRestless = errors.New("too many headers")
	errPadding  = errors.New("too much padding")
)

// change counts a header or a jump of the clock.
func (s *Source) change(now clock.Instant) error {
	if s.changes.take(1, changeQuota, now) {
		return nil
	}
	return fmt.Errorf("%w, or clocks that jump: limit %d, then one in %v", errRestless, changeQuota.most,
		changeQuota.refill)
}

// pad counts a packet of which n bytes have come.
func (s *Source) pad(n int, now clock.Instant) error {
	size := s.published.PacketSize
	if size <= mostlyPadding*n || s.padding.take(int64(size), paddingQuota, now) {
		return nil
	}
	return fmt.Errorf("%w: packets of %d bytes, of which %d come, limit %d MB at once", errPadding, size, n,
		paddingQuota.most>>20)
}
