package stream

import (
	"time"

	"pumpd/server/config"
)

const (
	shortBurst = 3 * time.Second // players have got used to it

	// startDelay is what a player may have to wait for beside its burst. It is less than the 5 seconds after which people
	// leave, for the picture comes later than the last byte.
	startDelay = 3 * time.Second
)

// A reach is how far back newcomers may start: at the oldest key frame that is not older than most. Where that would be
// younger than least they start at the one before it, if that is not older than config.LongestBurst.
type reach struct {
	most, least time.Duration
}

// reachOf is for a stream with that preroll, in ms.
func reachOf(b config.Burst, preroll uint64) reach {
	if !b.Auto {
		return reach{most: time.Duration(b.Length)}
	}
	most := min(max(shortBurst, milliseconds(preroll)), config.LongestBurst)
	return reach{most, most - startDelay}
}

// past says that a key frame of that age is none to start at, with the next one being so old.
func (r reach) past(age, next time.Duration) bool {
	return age > r.most && (next >= r.least || age > config.LongestBurst)
}

// slow says for how long players wait for their picture beside a burst of this reach, in a stream with that preroll.
func (r reach) slow(preroll uint64) time.Duration { return max(milliseconds(preroll)-r.most, 0) }

// milliseconds is of a number that any header can hold.
func milliseconds(n uint64) time.Duration {
	const most = 24 * time.Hour
	return time.Duration(min(n, uint64(most/time.Millisecond))) * time.Millisecond
}

// lag is how much farther behind than usual a viewer may be who starts that far back: a group of pictures before most.
func (r reach) lag() time.Duration {
	if r.most <= shortBurst || r.least == 0 {
		return 0
	}
	return min(r.most+KeyPatience, config.LongestBurst) - shortBurst
}
