package server

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"pumpd/server/config"
	"pumpd/server/fanout"
)

// Siblings are other pumps with the same streams, to which viewers are sent when this one is full. So that they are
// not sent in a circle, the URL says in its query which pumps they have tried, the one that it leads to last:
//
//	/streams/demo?full=a.example:8086,b.example:8086
//
// Players keep the query of a Location. Their Host field is of no use for this: FFmpeg's keeps the name of the first.
type siblings struct {
	all   []sibling
	turns [2]atomic.Uint32 // of Describes, which some players follow by a Play at the first pump, and of all else
}

type sibling struct {
	host string // as configured
	name string // the same as it stands in queries: in lower case and always with a port
	tls  bool
}

// siblingsOf are those of a checked configuration.
func siblingsOf(cfg *config.Server) *siblings {
	s := &siblings{}
	for _, raw := range cfg.Siblings {
		if u, err := url.Parse(raw); err == nil {
			s.all = append(s.all, sibling{u.Host, config.HostPort(u), u.Scheme == "https" || u.Scheme == "mmshs"})
		}
	}
	return s
}

const triedKey = "full="

// elsewhere is the URL of a sibling that x's client has not tried, in the form that it follows; "": there is none. Who
// speaks TLS is not sent to plain text.
func (l *loop) elsewhere(c *conn, x exchange) string {
	s := l.node.siblings.Load()
	if len(s.all) == 0 {
		return ""
	}
	tried, rest := triedIn(x.Query)
	if len(tried) == 0 {
		tried = []string{nameOf(c, x)}
	}
	if len(s.all) < len(tried) { // the last of tried is this one
		return ""
	}
	turn := &s.turns[0]
	if x.want != wantDescribe {
		turn = &s.turns[1]
	}
	first := int(turn.Add(1)-1) % len(s.all)
	for i := range s.all {
		to := &s.all[(first+i)%len(s.all)]
		if (to.tls || !c.secure()) && !slices.Contains(tried, to.name) {
			query := append([]string{triedKey + strings.Join(append(tried, to.name), ",")}, rest...)
			return to.scheme(x.dialect) + "://" + to.host + "/streams/" + x.stream.Config().Path + "?" + strings.Join(query, "&")
		}
	}
	return ""
}

func (s *sibling) scheme(d *fanout.Dialect) string {
	if s.tls {
		return "https"
	}
	return d.Redirect
}

// triedIn takes a query apart: the pumps that its client has tried, and what else there is.
func triedIn(query []byte) (tried, rest []string) {
	if query, _, _ = bytes.Cut(query, []byte("#")); len(query) == 0 {
		return nil, nil
	}
	for part := range bytes.SplitSeq(query, []byte("&")) {
		list, found := strings.CutPrefix(string(part), triedKey)
		if !found {
			rest = append(rest, string(part))
			continue
		}
		if plain, err := url.QueryUnescape(list); err == nil {
			list = plain
		}
		for name := range strings.SplitSeq(list, ",") {
			tried = append(tried, printableName(name))
		}
	}
	return tried, rest
}

// nameOf is what x's client calls this pump.
func nameOf(c *conn, x exchange) string {
	u := url.URL{Scheme: "http", Host: printableName(string(x.Host))}
	if c.secure() {
		u.Scheme = "https"
	}
	return config.HostPort(&u)
}

// printableName is a host, with a port or without, that may stand in a URL. It is "-" if s is none.
func printableName(s string) string {
	alien := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && !strings.ContainsRune(".-_:[]", r)
	}
	if s = strings.ToLower(s); s == "" || strings.ContainsFunc(s, alien) {
		return "-"
	}
	return s
}
