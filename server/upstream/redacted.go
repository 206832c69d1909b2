package upstream

import (
	"net/url"
	"strings"
)

// AsConfigured is the URL of an upstream as its configuration has it, so that an operator finds it there, without what
// may be secret.
func AsConfigured(raw string) string {
	name, isService := strings.CutPrefix(raw, ServicePrefix)
	if !isService {
		return Redacted(raw)
	}
	return ServicePrefix + strings.TrimPrefix(Redacted("srv://"+name), "srv://")
}

// Redacted hides the parts of a URL that hold passwords and tokens. It works on text that is no URL at all, too.
func Redacted(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		scheme, rest = "", raw
	} else {
		scheme += "://"
	}
	query := strings.IndexAny(rest, "?#")
	if query < 0 {
		return scheme + withoutUser(rest)
	}
	u, err := url.Parse(raw)
	switch {
	case err == nil && u.Host != "": // then what follows ? is not part of a password
	case strings.Contains(rest[query:], "@"):
		return scheme + "…" // there is no telling
	}
	return scheme + withoutUser(rest[:query]) + rest[query:query+1] + "…"
}

// withoutUser wants no scheme and no query. A password may have a slash in it that somebody forgot to escape.
func withoutUser(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return "…" + s[at:]
	}
	return s
}
