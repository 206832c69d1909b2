package codec

import "bytes"

// Product is what a User-Agent's first token says the peer is. [MS-WMSP] 2.2.1.8
type Product uint8

const (
	OtherProduct Product = iota // a browser, a media library, nobody: not a client of MMSH
	NSPlayer                    // a player; also what FFmpeg, VLC, MPlayer, libmms and xine call themselves
	NSServer                    // a Windows Media server that relays
	WMCacheProxy                // a cache in front of players
	WMEncoder                   // an encoder that pushes
)

// An Agent is a User-Agent taken apart.
//
//	NSPlayer/9.0.0.2980; via WMCacheProxy (…)
//	^Token   ^ ^Minor    what follows the version is not looked at
//	         Major
type Agent struct {
	Token        []byte // aliases the input; nil if it does not begin with a token
	Known        Product
	Major, Minor int
	HasVersion   bool // a missing or malformed version is unknown, 0.0: the oldest dialect is safe for it
	VLC          bool // claims 7.10, and is unlike what Microsoft made then
	WMFSDK       bool // names that product too, as Windows does where it wants a file over plain HTTP
}

// vlcVersion is what VLC claims; MediaPortal, BlueTune and scripts have it from there. There was no NSPlayer 7.10.
const vlcVersion = "7.10.0.3059"

// Digits in a version's parts: NSPlayer/11.08.0005.0000 is Silverlight.
const (
	majorDigits = 3
	minorDigits = 5
)

// ParseAgent takes the value of a User-Agent field apart. It has no errors: what it cannot read is OtherProduct.
func ParseAgent(ua []byte) Agent {
	n := tokenLen(ua)
	if n == 0 {
		return Agent{}
	}
	a := Agent{Token: ua[:n:n], Known: product(ua[:n])}
	if rest, ok := bytes.CutPrefix(ua[n:], []byte{'/'}); ok {
		a.version(rest)
	}
	for product := range bytes.FieldsSeq(ua[n:]) {
		name, _, _ := bytes.Cut(product, []byte{'/'})
		a.WMFSDK = a.WMFSDK || fold(name, "wmfsdk")
	}
	return a
}

func product(token []byte) Product {
	var buf [nameMax]byte
	switch string(lower(&buf, token)) {
	case "nsplayer":
		return NSPlayer
	case "nsserver":
		return NSServer
	case "wmcacheproxy":
		return WMCacheProxy
	case "wmencoder":
		return WMEncoder
	}
	return OtherProduct
}

// version reads `major[.minor[.whatever]]`, which b begins with.
func (a *Agent) version(b []byte) {
	b = b[:tokenLen(b)] // up to a blank, a semicolon, a parenthesis
	major, rest, more := bytes.Cut(b, []byte{'.'})
	minor, _, _ := bytes.Cut(rest, []byte{'.'})
	if !more {
		minor = []byte{'0'}
	}
	x, okMajor := number(major, majorDigits)
	y, okMinor := number(minor, minorDigits)
	if okMajor && okMinor {
		a.Major, a.Minor, a.HasVersion = int(x), int(y), true
		a.VLC = a.Known == NSPlayer && string(b) == vlcVersion
	}
}
