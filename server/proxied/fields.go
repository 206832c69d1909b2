package proxied

import (
	"bytes"
	"net/netip"
	"strings"

	"pumpd/codec"
)

// A hop is whom a proxy says that it speaks for, in one entry of a field. Not valid: it does not say. The port is 0
// where it does not say that.
type hop = netip.AddrPort

// readForwardedFor calls add for each entry of X-Forwarded-For, in their order, which is that of the proxies. There is
// no standard; most write an address, some add the port.
//
//	X-Forwarded-For: 198.51.100.3, [2001:db8::7]:4711, unknown
func readForwardedFor(lines *codec.Lines, add func(hop)) {
	for _, line := range lines {
		for more := len(line) > 0; more; {
			var entry []byte
			entry, line, more = bytes.Cut(line, []byte{','})
			if entry = bytes.Trim(entry, blanks); len(entry) > 0 {
				add(parseNode(string(entry)))
			}
		}
	}
}

const blanks = " \t"

// readForwarded does the same for Forwarded. [RFC 7239] 4
//
//	Forwarded: for=198.51.100.3;proto=http, for="[2001:db8::7]:4711";by=_mine, for=unknown
//
// A line that is malformed counts as one entry that does not say who: what a client has begun to quote could have
// swallowed what a proxy has added.
func readForwarded(lines *codec.Lines, add func(hop)) {
	for _, line := range lines {
		var entries []hop
		e := element{rest: string(line)}
		for e.next() {
			if !e.empty {
				entries = append(entries, e.node)
			}
		}
		if e.malformed {
			entries = []hop{{}}
		}
		for _, h := range entries {
			add(h)
		}
	}
}

// An element is one of a Forwarded line, which next goes on to.
//
//	element = [ pair ] *( ";" [ pair ] )     elements are separated by ","
//	pair    = token "=" ( token / quoted-string )
type element struct {
	rest      string // of the line, behind the element
	over      bool   // nothing follows the element
	malformed bool   // the line is
	empty     bool   // the element is
	node      hop
}

// next is false at the end of the line and where it is malformed.
func (e *element) next() bool {
	if e.over || e.malformed {
		return false
	}
	e.node, e.empty = hop{}, true
	told := false
	for {
		e.skipBlanks()
		if name := e.cut("=;,"); name != "" || strings.HasPrefix(e.rest, "=") {
			value, ok := e.value()
			isFor := strings.EqualFold(name, "for")
			if !ok || strings.Contains(name, `"`) || isFor && told {
				e.malformed = true
				return false
			}
			if e.empty = false; isFor {
				told, e.node = true, parseNode(value)
			}
		}
		e.skipBlanks()
		switch {
		case e.rest == "":
			e.over = true
			return true
		case e.rest[0] == ',':
			e.rest = e.rest[1:]
			return true
		case e.rest[0] != ';':
			e.malformed = true
			return false
		}
		e.rest = e.rest[1:]
	}
}

// value reads what stands behind the name of a pair.
func (e *element) value() (v string, ok bool) {
	if !strings.HasPrefix(e.rest, "=") {
		return "", false
	}
	e.rest = e.rest[1:]
	if !strings.HasPrefix(e.rest, `"`) {
		v = e.cut(";,")
		return v, !strings.Contains(v, `"`)
	}
	e.rest = e.rest[1:]
	var text strings.Builder
	for i := 0; i < len(e.rest); i++ {
		switch c := e.rest[i]; {
		case c == '"':
			e.rest = e.rest[i+1:]
			return text.String(), true
		case c == '\\' && i+1 < len(e.rest):
			i++
		}
		text.WriteByte(e.rest[i])
	}
	return "", false
}

// cut takes what stands before a blank or one of stops.
func (e *element) cut(stops string) (before string) {
	i := strings.IndexAny(e.rest, stops+blanks)
	if i < 0 {
		i = len(e.rest)
	}
	before, e.rest = e.rest[:i], e.rest[i:]
	return before
}

func (e *element) skipBlanks() { e.rest = strings.TrimLeft(e.rest, blanks) }

// parseNode reads an address with or without a port, which may be a made-up name; an IPv6 one may stand in brackets.
// What is none, such as "unknown" and "_hidden", is not valid. [RFC 7239] 6
func parseNode(s string) hop {
	const longest = len("[2001:0db8:0000:0000:0000:ffff:192.000.002.001]:65535")
	if len(s) > longest {
		return hop{}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return nodeAt(a, 0)
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return nodeAt(at.Addr(), at.Port())
	}
	host, port, _ := strings.Cut(s, "]")
	if bare, bracketed := strings.CutPrefix(host, "["); bracketed && strings.Contains(s, "]") {
		host = bare
	} else {
		host, port, _ = strings.Cut(s, ":")
		port = ":" + port
	}
	a, err := netip.ParseAddr(host)
	if err != nil || port != "" && !strings.HasPrefix(port, ":_") {
		return hop{}
	}
	return nodeAt(a, 0)
}

// nodeAt has no zone: that would mean a link of the proxy's.
func nodeAt(a netip.Addr, port uint16) hop {
	if a.Zone() != "" {
		return hop{}
	}
	return netip.AddrPortFrom(a.Unmap(), port)
}
