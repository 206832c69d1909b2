package config

import (
	"strings"
	"time"
	"unicode"

	"pumpd/server/auth"
)

const (
	maxKey  = 255 // bytes of one of view_keys
	weakKey = 16  // bytes; below -t warns, for who has a signed URL can try keys at home
)

// checkView is about who may watch.
func (f *document) checkView(name string, s *Stream) {
	f.checkUsers(name+".view_users", s.ViewUsers)
	f.checkNetworks(name+".view_from", s.ViewFrom)
	f.checkKeys(name+".view_keys", s.ViewKeys)
	f.oneOf(name+".view_satisfy", s.ViewSatisfy, SatisfyAll, SatisfyAny)
	if s.AuthURL != "" {
		f.locate(name+".auth_url", &s.AuthURL)
		f.url(name+".auth_url", s.AuthURL, "http", "https")
	}
	f.oneOf(name+".auth_fail", s.AuthFail, FailClosed, FailOpen)
	f.between(name+".auth_ttl", s.AuthTTL, 0, 24*time.Hour)
	f.between(name+".auth_timeout", s.AuthTimeout, 100*time.Millisecond, time.Minute)
}

// checkKeys never shows what it got. Keys that are elsewhere take the place of what says so.
func (f *document) checkKeys(name string, keys []auth.Secret) {
	for i := range keys {
		at := Item(name, i)
		k, ok := f.secret(at, string(keys[i]))
		switch {
		case !ok:
		case k == "" || len(k) > maxKey || strings.ContainsFunc(k, unicode.IsControl):
			f.wrong(at, "the value, want 1 to %d bytes without control characters", maxKey)
		case len(k) < weakKey:
			f.closer = append(f.closer, f.about(at, "%d bytes, fewer than %d can be found by who has one signed URL; "+
				"openssl rand -hex 16 makes a good one", len(k), weakKey))
		}
		keys[i] = auth.Secret(k)
	}
}
