package config

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

// String is what UnmarshalText reads.
func (b Burst) String() string {
	if b.Auto {
		return "auto"
	}
	return b.Length.String()
}

// LongestBurst bounds a Burst, and what "auto" makes of it.
const LongestBurst = time.Minute
