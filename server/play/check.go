package play

import (
	"context"
	"fmt"
)

// Check reads a media file to its end, as a closer look at a configuration does. flaw says what will be left out of it,
// "" for nothing; err, why none of it can be played.
func Check(name string) (flaw string, err error) {
	l, err := openLoop(context.Background(), name, 0)
	if err != nil {
		return "", err
	}
	defer l.close()
	if t := l.sample; t.bad > 0 {
		flaw = fmt.Sprintf("%d of %d packets are bad and will be left out, the first: %v", t.bad, t.good+t.bad, t.flaw)
	}
	return flaw, nil
}
