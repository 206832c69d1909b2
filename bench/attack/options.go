package attack

import (
	"errors"
	"fmt"
	"time"
)

// Options are what happens beside an attack, and what must hold.
type Options struct {
	Viewers   int           // honest ones that are there all the time
	Newcomers int           // honest ones that join each second
	Window    time.Duration // each of the measurements before, during and after the attack
	Settle    time.Duration // between the last join and the first measurement
	Recover   time.Duration // how long memory and descriptors may take to come back, from the end of the last window
	Scale     float64       // of the attack's numbers and rates

	Pumpd    string   // path of the binary that is started for each attack
	Settings []string // more lines of its [server] such as merge = "50ms"
	// A pump that runs already instead, and is fed.
	URL, SecureURL string
	PID            int

	Targets Targets
}

// Targets are what must hold during an attack.
type Targets struct {
	Latency float64       // p99 at most so many times what it was before
	Join    time.Duration // a newcomer's first byte, at most
	Growth  float64       // of memory and descriptors that may remain, 0.05 for 5 %
}

// Check says what is wrong with options.
func (o *Options) Check() error {
	const least = 100 * time.Millisecond
	switch {
	case o.Viewers < 2 || o.Newcomers < 1:
		return fmt.Errorf("%d viewers, %d newcomers: at least 2 and 1", o.Viewers, o.Newcomers)
	case o.Window < least:
		return fmt.Errorf("duration %s, at least %s", o.Window, least)
	case !(o.Scale > 0 && o.Scale <= 10):
		return fmt.Errorf("scale %v, more than 0 and at most 10", o.Scale)
	case (o.URL == "") != (o.PID == 0):
		return errors.New("-url and -pid belong together: what the pump takes is measured")
	case len(o.Settings) > 0 && o.URL != "":
		return errors.New("settings are for a pump that is started: leave -url out")
	case o.SecureURL != "" && o.URL == "":
		return errors.New("-secure goes with -url")
	}
	return nil
}
