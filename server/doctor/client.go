package doctor

import (
	"slices"
	"strings"

	"pumpd/codec"
)

// A client is one kind of player: what it asks, and what it bears of the answers. docs/protocol/clients.md has where
// each line comes from.
type client struct {
	name      string
	agent     string // User-Agent
	minor     int    // of HTTP/1.minor in its requests
	pragmas   []string
	raw       bool     // plain ASF over HTTP in one request, no Describe
	redirects []int    // statuses that it follows
	scheme    string   // that a Location must have, with or without TLS
	login     bool     // can be given credentials
	media     []string // Content-Types that it needs; nil: any
	waits     waiting  // for the end of the answer to a Describe
	maxHeader int      // bytes that its buffer has room for
	chunked   bool     // bears a stream in chunks
	phrase    bool     // needs a reason phrase in the status line
	windows   bool     // needs the fields of Windows Media's servers
	whole     bool     // cannot put a header together from several $H
	strict    bool     // bears nothing behind the header in the answer to a Describe
	bit       bool     // bears the B bit
}

// A waiting says which ends of an answer a client knows.
type waiting uint8

const (
	byLength    waiting = iota // it stops reading at Content-Length
	byKeepAlive                // so it does if there is a Connection: Keep-Alive
	byClose                    // it reads until the connection is closed, whatever the fields say
)

const describePragma = "no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0"

// Limits of clients that have no small buffer of their own: the length field of a $H.
const framedHeader = 65535 - 8

var framedClients = []*client{
	{
		name: "FFmpeg", agent: "NSPlayer/4.1.0.3856", minor: 1, redirects: []int{301, 302, 303, 307, 308}, scheme: "http",
		maxHeader: framedHeader, chunked: true, whole: true,
	},
	{
		name: "VLC", agent: "NSPlayer/7.10.0.3059", redirects: []int{301, 302, 303, 307}, scheme: "mmsh",
		waits: byKeepAlive, maxHeader: codec.MaxPayload,
	},
	{
		name: "MPlayer", agent: "NSPlayer/4.1.0.3856", login: true, maxHeader: framedHeader, strict: true, bit: true,
		media: []string{
			"application/octet-stream", "application/vnd.ms.wms-hdr.asfv1", "application/x-mms-framed", "video/x-ms-wmv",
			"video/x-ms-asf",
		},
	},
	{
		name: "GStreamer (libmms)", agent: "NSPlayer/4.1.0.3856", waits: byClose, maxHeader: 16384, phrase: true,
		strict: true,
	},
	{name: "xine", agent: "NSPlayer/4.1.0.3856", waits: byClose, maxHeader: 8192, phrase: true},
	{
		name: "Windows Media Player", agent: "NSPlayer/12.0.7601.17514", minor: 1, redirects: []int{302}, scheme: "http",
		login: true, maxHeader: framedHeader, windows: true, bit: true, chunked: true,
		pragmas: []string{"version11-enabled=1"},
	},
}

var rawClients = []*client{
	{
		name: "FFmpeg (http)", agent: "Lavf/59.27.100", minor: 1, raw: true, redirects: []int{301, 302, 303, 307, 308},
		scheme: "http", login: true, maxHeader: 1 << 20, chunked: true,
	},
	{
		name: "VLC (http)", agent: "VLC/3.0.24 LibVLC/3.0.24", minor: 1, raw: true, redirects: []int{301, 302, 303, 307},
		scheme: "http", login: true, maxHeader: 1 << 20, chunked: true,
	},
}

// clientsFor are those that can play from an endpoint: MMSH players know no TLS.
func clientsFor(at endpoint) []*client {
	if at.secure {
		return rawClients
	}
	return slices.Concat(framedClients, rawClients)
}

// request writes what it asks: a Describe, a Play, or the one GET of raw ASF.
func (c *client) request(at endpoint, play bool, authorization string) []byte {
	b := codec.AppendRequestLine(nil, "GET", at.target, c.minor)
	b = codec.AppendField(b, "Accept", "*/*")
	b = codec.AppendField(b, "User-Agent", c.agent)
	b = codec.AppendField(b, "Host", at.addr)
	if authorization != "" {
		b = codec.AppendField(b, "Authorization", authorization)
	}
	switch {
	case c.raw:
	case play:
		b = codec.AppendField(b, "Pragma", "no-cache,rate=1.000000,request-context=2")
		b = codec.AppendField(b, "Pragma", "xPlayStrm=1")
	default:
		b = codec.AppendField(b, "Pragma", describePragma)
	}
	if !c.raw {
		b = codec.AppendField(b, "Pragma", "xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}")
	}
	for _, p := range c.pragmas {
		b = codec.AppendField(b, "Pragma", p)
	}
	b = codec.AppendField(b, "Connection", "Close")
	return append(b, "\r\n"...)
}

// follows says whether a redirect takes it there.
func (c *client) follows(status int, to endpoint) bool {
	return slices.Contains(c.redirects, status) && strings.TrimSuffix(to.scheme, "s") == c.scheme && (c.raw || !to.secure)
}

// bears says whether it takes a Content-Type.
func (c *client) bears(media string) bool {
	return c.media == nil || slices.ContainsFunc(c.media, func(m string) bool { return strings.EqualFold(m, media) })
}
