package upstream

import (
	"net/netip"
	"strings"
	"unicode"
)

// IsHost is true of IP addresses, names and "". A name of digits and dots is a mistyped IPv4 address.
func IsHost(host string) bool {
	if _, err := netip.ParseAddr(host); host == "" || err == nil {
		return true
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notOfLabel) {
			return false
		}
	}
	return len(host) <= 253 && strings.ContainsFunc(host, unicode.IsLetter)
}

// notOfLabel is false of letters, digits, underscores and hyphens, all of ASCII.
func notOfLabel(r rune) bool {
	return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
