package server

import "time"

// A Burst says how much of a stream a new viewer gets at once: Length, or with Auto what players wait for.
//
// A header names a preroll: so long a player fills its buffer before it shows anything, 3 to 5 seconds mostly, but 20
// in what Movie Maker writes. What it does not get at once it waits for.
type Burst struct {
	Auto   bool
	Length Duration // unused with Auto
}

// UnmarshalText reads "auto" or a duration.
func (b *Burst) UnmarshalText(text []byte) error {
	if b.Auto = string(text) == "auto"; b.Auto {
		return nil
	}
	return b.Length.UnmarshalText(text)
}

func (b Burst) String() string {
	if b.Auto {
		return "auto"
	}
	return b.Length.String()
}

const (
	shortBurst   = 3 * time.Second // players have got used to it
	longestBurst = time.Minute

	// startDelay is what a player may have to wait for beside its burst. It is less than the 5 seconds after which people
	// leave, for the picture comes later than the last byte.
	startDelay = 3 * time.Second
)
