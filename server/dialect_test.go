package server

import (
	"bytes"
	"strings"
	"testing"
)

// Windows' Media Foundation, Wine and the Xbox name WMFSDK where they want a file over plain HTTP, and the one that
// asks in MMSH gets MMSH (clients.md §6).
func TestWMFSDK(t *testing.T) {
	const sdk = "User-Agent: NSPlayer/12.00.19041.4894 WMFSDK/12.00.19041.4894\r\n"
	const plain, header, framed = "video/x-ms-asf", "application/vnd.ms.wms-hdr.asfv1", "application/x-mms-framed"
	for _, c := range []struct{ name, method, fields, want string }{
		{"Wine", "GET", sdk + "GetContentFeatures.DLNA.ORG: 1\r\nAccept: */*\r\nRange: bytes=0-\r\n" +
			"Connection: Keep-Alive\r\n", plain},
		{"Media Foundation", "GET", "Cache-Control: no-cache\r\nConnection: Keep-Alive\r\n" +
			"Pragma: getIfoFileURI.dlna.org\r\nAccept: */*\r\n" +
			"User-Agent: NSPlayer/12.00.9200.16409 WMFSDK/12.00.9200.16409\r\nGetContentFeatures.DLNA.ORG: 1\r\n", plain},
		{"Windows Media Player 9 after a failure", "GET", "User-Agent: NSPlayer/9.0.0.2980 WMFSDK/9.0\r\n" +
			"Pragma: no-cache\r\n", plain},
		{"its head", "HEAD", sdk, plain},
		{"a Describe", "GET", sdk + "Pragma: no-cache,rate=1.000,stream-time=0\r\n" +
			"Pragma: xClientGUID={00000000-0000-0000-0000-000000000000}\r\n", header},
		{"a Describe of few words", "GET", sdk + "Pragma: version11-enabled=1\r\n", header},
		{"a Play", "GET", sdk + "Pragma: xPlayStrm=1\r\n", framed},
		{"NSPlayer alone, with no Pragma", "GET", "User-Agent: NSPlayer/12.00.19041.4894\r\n", header},
	} {
		r := newRig(t, nil, "a")
		r.feeder(0, 320).publish(3)
		p := r.connect()
		p.say(c.method + " /streams/a HTTP/1.1\r\nHost: h\r\n" + c.fields + "\r\n")
		head, _, _ := strings.Cut(string(p.got), "\r\n\r\n")
		if !strings.Contains(head, "\r\nContent-Type: "+c.want+"\r\n") {
			t.Errorf("%s: %q, want %s", c.name, head, c.want)
		}
		asf := []byte{0x30, 0x26, 0xB2, 0x75} // begins the GUID of an ASF header
		if c.method == "GET" && bytes.HasPrefix(p.body(), asf) != (c.want == plain) {
			t.Errorf("%s: the body begins with %q", c.name, p.body()[:min(16, len(p.body()))])
		}
	}
}

// Only who is sent a new header in the stream is told that one may come.
func TestPlaylistIsOffered(t *testing.T) {
	for agent, want := range map[string]bool{
		wmpAgent: true, "NSPlayer/7.1.0.3055": true, "NSServer/9.1": true,
		vlcAgent: false, ffmpegAgent: false, curlAgent: false,
	} {
		r := newRig(t, nil, "a")
		r.feeder(0, 320).publish(1)
		p := r.watch("a", agent)
		if got := strings.Contains(string(p.got), `features="broadcast,playlist"`); got != want {
			t.Errorf("%s is told of playlists: %v, want %v", agent, got, want)
		}
	}
}
