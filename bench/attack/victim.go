package attack

import (
	"fmt"
	"math"
	"net/url"

	"pumpd/bench/scheme"
)

// A Victim is whom to attack and how hard. It crosses to the attacker's process as JSON.
type Victim struct {
	Plain  string  // host:port
	Secure string  // the same for TLS, "" if there is none
	Path   string  // of the stream
	Scale  float64 // of numbers and rates; 1 is what Kinds say
	// Upstream is the host:port from which the streams of Setup.Pulls are pulled, "" if there are none.
	Upstream string
}

// newVictim takes the URLs that viewers have. secure may be "".
func newVictim(plain, secure string, scale float64) (Victim, error) {
	u, err := url.Parse(plain)
	if err != nil || u.Host == "" {
		return Victim{}, fmt.Errorf("URL %q: want mmsh://host:port/path", plain)
	}
	v := Victim{Plain: scheme.HostPort(u), Path: u.EscapedPath(), Scale: scale}
	if secure != "" {
		if u, err = url.Parse(secure); err != nil || u.Host == "" {
			return Victim{}, fmt.Errorf("URL %q: want mmshs://host:port/path", secure)
		}
		v.Secure = scheme.HostPort(u)
	}
	return v, nil
}

// scaled is n, or a rate, as hard as is wanted; at least 1.
func (v Victim) scaled(n int) int { return max(1, int(math.Round(float64(n)*v.Scale))) }

// Agents of the requests below.
const (
	playerAgent  = "NSPlayer/12.0.7601.17514"
	encoderAgent = "WMEncoder/11.0.5721.5145"
)

// describeHead asks for the stream's header and keeps the connection; the empty line that ends the head is left out.
func (v Victim) describeHead() []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\n"+
		"Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n"+
		"Connection: Keep-Alive\r\n", v.Path, v.Plain, playerAgent)
}

// playRequest asks for the stream itself.
func (v Victim) playRequest() []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\n"+
		"Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=4294967295:4294967295,request-context=2,max-duration=0\r\n"+
		"Pragma: xPlayStrm=1\r\nPragma: stream-switch-count=2\r\nPragma: stream-switch-entry=ffff:1:0 ffff:2:0\r\n\r\n",
		v.Path, v.Plain, playerAgent)
}
