package config

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"pumpd/server/upstream"
)

// pullSchemes are what the URL of an upstream may begin with, the one for examples first. All of them speak MMSH, those
// that end in s over TLS.
var pullSchemes = []string{"mmsh", "mmshs", "http", "https", "mms"}

// checkPull is checkStream for keys of pulls only.
func (f *document) checkPull(name string, s *Stream) {
	f.checkUpstreams(name, s)
	f.between(name+".failback", s.Failback, 0, 24*time.Hour)
	f.between(name+".pair_switch", s.PairSwitch, 100*time.Millisecond, time.Minute)
	f.between(name+".idle_close", s.IdleClose, 0, time.Hour)
	f.oneOf(name+".follow_redirects", string(s.FollowRedirects),
		string(upstream.FollowSameHost), string(upstream.FollowPublic), string(upstream.FollowAny))
	f.checkPin(name, s)
}

func (f *document) checkUpstreams(name string, s *Stream) {
	var set []string
	for _, key := range []string{"url", "urls", "pair"} {
		if f.has(keyName(name, key)) {
			set = append(set, key)
		}
	}
	switch {
	case len(set) == 0:
		f.wrong(name+".url", "missing, want url, urls or pair for type %q", TypePull)
		return
	case len(set) > 1:
		f.wrong(keyName(name, set[1]), "%s is on line %d, want one of the two", set[0], f.line(keyName(name, set[0])))
		return
	}
	key := keyName(name, set[0])
	switch set[0] {
	case "url":
		f.locate(key, &s.URL)
		f.checkUpstream(key, s.URL)
		return
	case "urls":
		if len(s.URLs) == 0 || len(s.URLs) > maxUpstreams {
			f.wrong(key, "%d URLs, want 1 to %d", len(s.URLs), maxUpstreams)
		}
	case "pair":
		if len(s.Pair) != 2 {
			f.wrong(key, "%d URLs, want two", len(s.Pair))
		}
	}
	list := s.Upstreams()
	for i := range list {
		f.locate(Item(key, i), &list[i])
		f.checkUpstream(Item(key, i), list[i])
	}
}

// maxUpstreams of one stream; more are better behind one SRV name.
const maxUpstreams = 16

// Upstreams are the URLs of a pull, in order of preference.
func (s *Stream) Upstreams() []string {
	switch {
	case s.URL != "":
		return []string{s.URL}
	case len(s.Pair) > 0:
		return s.Pair
	}
	return s.URLs
}

// Pins are the certificates of which a pull wants one; none: it wants one that is signed.
func (s *Stream) Pins() []string {
	if s.Fingerprint == "" {
		return nil
	}
	return []string{s.Fingerprint}
}

func (f *document) checkUpstream(key, url string) {
	if !strings.HasPrefix(url, upstream.ServicePrefix) {
		f.url(key, url, pullSchemes...)
		return
	}
	if _, err := upstream.Parse(url); err != nil || strings.ContainsFunc(url, unprintable) {
		f.wrong(key, "%.200q, want a name such as %q", upstream.Redacted(url),
			upstream.ServicePrefix+"_mmsh._tcp.example.org/path")
	}
}

// checkCircle warns of a pull from this pump itself, which it refuses. Pumps that share a list of upstreams may have
// it: they go on to the next one.
func (f *document) checkCircle(name string, c *Config, s *Stream) {
	for i, raw := range s.Upstreams() {
		key := name + ".url"
		if s.URL == "" {
			key = Item(name+map[bool]string{true: ".pair", false: ".urls"}[len(s.Pair) > 0], i)
		}
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			continue
		}
		if own := c.listenerAt(u); own != "" {
			f.closer = append(f.closer, f.about(key, "%.200q, is this pump itself, which listens on %q and refuses "+
				"that", upstream.Redacted(raw), own))
		}
	}
}

// checkPin is about whom a pull trusts, and what it shows.
func (f *document) checkPin(name string, s *Stream) {
	if s.ClientCert != "" || s.ClientKey != "" {
		f.checkKeyPair(name, name+".client_cert", s.ClientCert, name+".client_key", s.ClientKey)
	}
	if s.CAFile != "" && f.file(name+".ca_file", s.CAFile) {
		if _, err := upstream.LoadRoots(s.CAFile); err != nil {
			f.wrong(name+".ca_file", "%v", err)
		}
	}
	if s.Fingerprint == "" {
		return
	}
	if _, err := upstream.ParseFingerprint(s.Fingerprint); err != nil {
		f.wrong(name+".fingerprint", "%v", err)
	}
	if s.CAFile != "" {
		f.wrong(name+".fingerprint", "there is a ca_file on line %d, want one of the two", f.line(name+".ca_file"))
	}
	if !slices.ContainsFunc(s.Upstreams(), speaksTLS) {
		f.wrong(name+".fingerprint", "no URL of this stream speaks TLS, want mmshs:// or https://")
	}
}

func speaksTLS(url string) bool {
	up, err := upstream.Parse(url)
	return err != nil || up.SpeaksTLS() // what is no URL at all has been complained about
}
