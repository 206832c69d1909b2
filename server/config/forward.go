package config

import (
	"slices"
	"time"

	"pumpd/server/upstream"
)

// LongestForward is how far behind at most what a forward sends may be, and so how old what a pump that comes back
// sends again.
const LongestForward = 10 * time.Minute

const (
	maxForwards   = 8 // of one stream
	longestBuffer = 5 * time.Minute
)

// forwardSchemes are what the URL of a forward may begin with: pushes are HTTP.
var forwardSchemes = []string{"http", "https"}

// checkForwards is about where streams are pushed on to.
func (f *document) checkForwards(c *Config) {
	for i := range c.Streams {
		name, s := Item("streams", i), &c.Streams[i]
		f.between(name+".forward_buffer", s.ForwardBuffer, 0, longestBuffer)
		f.between(name+".forward_lag", s.ForwardLag, time.Second, LongestForward)
		if s.ForwardLag < s.ForwardBuffer && !f.bad[name+".forward_buffer"] {
			f.wrong(name+".forward_lag", "%s, must not be less than forward_buffer, %s: after a break it is that far behind",
				s.ForwardLag, s.ForwardBuffer)
		}
		f.checkForwardPins(name, s)
		key := name + ".forward"
		switch {
		case len(s.Forward) > maxForwards:
			f.wrong(key, "%d URLs, want up to %d", len(s.Forward), maxForwards)
		case len(s.Forward) > 0 && s.OnDemand:
			f.wrong(key, "on_demand is on line %d, want one of the two: a forward watches all the time",
				f.line(name+".on_demand"))
		}
		for j := range s.Forward {
			f.locate(Item(key, j), &s.Forward[j])
		}
		for j, raw := range s.Forward {
			f.checkForward(c, Item(key, j), raw, s.Forward[:j])
		}
	}
}

// checkForward wants a URL that no other forward of the stream has, and not this pump's own.
func (f *document) checkForward(c *Config, key, raw string, before []string) {
	u := f.url(key, raw, forwardSchemes...)
	if u == nil {
		return
	}
	if slices.Contains(before, raw) {
		f.wrong(key, "%.200q, already in the list", upstream.Redacted(raw))
	} else if own := c.listenerAt(u); own != "" {
		f.wrong(key, "%.200q, this pump itself listens on %q", upstream.Redacted(raw), own)
	}
}

// checkForwardPins is about whom a forward trusts, and what it shows.
func (f *document) checkForwardPins(name string, s *Stream) {
	if s.ForwardClientCert != "" || s.ForwardClientKey != "" {
		f.checkKeyPair(name, name+".forward_client_cert", s.ForwardClientCert, name+".forward_client_key", s.ForwardClientKey)
	}
	if key := name + ".forward_ca_file"; s.ForwardCAFile != "" && f.file(key, s.ForwardCAFile) {
		if _, err := upstream.LoadRoots(s.ForwardCAFile); err != nil {
			f.wrong(key, "%v", err)
		}
	}
	key := name + ".forward_fingerprints"
	for i, pin := range s.ForwardFingerprints {
		if _, err := upstream.ParseFingerprint(pin); err != nil {
			f.wrong(Item(key, i), "%v", err)
		}
	}
	if len(s.ForwardFingerprints) == 0 {
		return
	}
	if s.ForwardCAFile != "" {
		f.wrong(key, "there is a forward_ca_file on line %d, want one of the two", f.line(name+".forward_ca_file"))
	}
	if !slices.ContainsFunc(s.Forward, speaksTLS) {
		f.wrong(key, "no forward of this stream speaks TLS, want https://")
	}
}
