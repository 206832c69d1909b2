package server

import (
	"strings"
	"testing"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/codec"
)

// A header of MaxHeader bytes is taken from an encoder, and none larger.
func TestPushedHeaderTooLarge(t *testing.T) {
	for _, n := range []int{asf.MaxHeader, asf.MaxHeader + 1, asf.MaxHeader + 4} { // more is no $H of a push
		good := n <= asf.MaxHeader
		r := newRig(t, nil, "a")
		e := r.encoder()
		e.setUp()
		e.start(endless)
		e.say(string(codec.AppendFrame(nil, 'H', asftest.HeaderOf(n))))
		e.push(1)
		if up := r.reg.Streams()[0].Up() != nil; up != good || e.fin == good {
			t.Errorf("%d bytes: up %v, FIN of the encoder %v", n, up, e.fin)
		}
		if !good && !strings.Contains(string(e.got), "limit 65531") {
			t.Errorf("%d bytes: told %q", n, e.got)
		}
	}
}
