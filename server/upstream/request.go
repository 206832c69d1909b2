package upstream

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"pumpd/asf"
	"pumpd/codec"
)

// A request is a Describe or a Play to an upstream: clients.md §7.
type request struct {
	to       *Address
	proxy    *proxy // not nil: in absolute form, with its credentials
	via      string // our name, by which a circle of pumps is found out
	guid     string // of this puller, as players have one
	auth     string // Authorization, "" is none
	play     bool
	streams  []asf.Stream // Play: what Describe found; all of them are asked for
	clientID uint32       // Play: what Describe gave us
	known    bool         // there is a clientID
}

// userAgent is what we claim to be. A server owes version 7 redirects by status and $C with a new header on the same
// connection, which 4.1 has to do without, and still spares it what came with 9: $M, the B bit, pipelining (mmsh.md
// §2). VLC claims the same, so servers have seen it.
const userAgent = "NSPlayer/7.10.0.3059"

// append writes the request as an HTTP/1.0 one, so that nobody answers in chunks who can do without.
func (r *request) append(b []byte) []byte {
	target := r.to.target
	if r.proxy != nil {
		target = r.to.absolute()
	}
	b = codec.AppendRequestLine(b, "GET", target, 0)
	b = codec.AppendField(b, "Accept", "*/*")
	b = codec.AppendField(b, "User-Agent", userAgent)
	b = codec.AppendField(b, "Host", r.to.host)
	b = codec.AppendField(b, "Via", "1.0 "+r.via)
	if r.auth != "" {
		b = codec.AppendField(b, "Authorization", r.auth)
	}
	if r.proxy != nil {
		b = r.proxy.appendAuthorization(b, "GET", target)
	}
	if r.play {
		b = r.appendPlay(b)
	} else {
		b = codec.AppendField(b, "Pragma",
			"no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0")
	}
	b = codec.AppendField(b, "Pragma", "xClientGUID={"+r.guid+"}")
	b = codec.AppendField(b, "Connection", "Close")
	return append(b, "\r\n"...)
}

func (r *request) appendPlay(b []byte) []byte {
	b = codec.AppendField(b, "Pragma", "no-cache,rate=1.000000,request-context=2")
	b = codec.AppendField(b, "Pragma", "xPlayStrm=1")
	if r.known {
		b = codec.AppendField(b, "Pragma", "client-id="+strconv.FormatUint(uint64(r.clientID), 10))
	}
	// Windows Media Services sends nothing of a stream that is not listed. Numbers are hexadecimal. For peercast-yt it is
	// the count that makes a Play, not xPlayStrm.
	var entries strings.Builder
	for _, s := range r.streams {
		fmt.Fprintf(&entries, "ffff:%x:0 ", s.Number)
	}
	b = codec.AppendField(b, "Pragma", "stream-switch-count="+strconv.Itoa(len(r.streams)))
	return codec.AppendField(b, "Pragma", "stream-switch-entry="+entries.String())
}

// NewGUID makes a random one, as each player has: 8-4-4-4-12 digits in hex.
func NewGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
