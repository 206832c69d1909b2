package server

import (
	"context"
	"fmt"
)

// CheckConfig is LoadConfig with a closer look, for an operator who waits for it: media files and slates are read to
// their ends. What it warns of can run, though hardly as it was meant.
func CheckConfig(path string) (warnings []string, err error) { return checkConfig(path, playToNobody) }

// playToNobody reads a media file to its end. flaw says what will be left out of it, "" for nothing.
func playToNobody(name string) (flaw string, err error) {
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
