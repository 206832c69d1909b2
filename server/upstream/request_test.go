package upstream

import (
	"fmt"
	"strings"
	"testing"

	"pumpd/asf"
	"pumpd/codec"
)

// What goes over the wire, byte for byte: servers are older than we are.
func TestRequest(t *testing.T) {
	up, err := Parse("mmsh://u:p@a.example:8086/streams/x?y")
	if err != nil {
		t.Fatal(err)
	}
	proxy := proxyAt(&Address{user: "v", password: "q"})
	const guid = "C77E7400-738A-11D2-9ADD-0020AF0A3278"
	for _, tt := range []struct {
		name string
		r    request
		want string
	}{
		{"describe", request{to: up, via: "pumpd-1", guid: guid}, `GET /streams/x?y HTTP/1.0
Accept: */*
User-Agent: NSPlayer/7.10.0.3059
Host: a.example:8086
Via: 1.0 pumpd-1
Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0
Pragma: xClientGUID={C77E7400-738A-11D2-9ADD-0020AF0A3278}
Connection: Close

`},
		{"play", request{to: up, via: "pumpd-1", guid: guid, play: true, clientID: 4294967295, known: true,
			streams: []asf.Stream{{Number: 1}, {Number: 2}, {Number: 26}}}, `GET /streams/x?y HTTP/1.0
Accept: */*
User-Agent: NSPlayer/7.10.0.3059
Host: a.example:8086
Via: 1.0 pumpd-1
Pragma: no-cache,rate=1.000000,request-context=2
Pragma: xPlayStrm=1
Pragma: client-id=4294967295
Pragma: stream-switch-count=3
Pragma: stream-switch-entry=ffff:1:0 ffff:2:0 ffff:1a:0 
Pragma: xClientGUID={C77E7400-738A-11D2-9ADD-0020AF0A3278}
Connection: Close

`},
		{"through a proxy, with credentials", request{to: up, proxy: proxy, via: "pumpd-1", guid: guid,
			auth: "Basic dTpw"},
			`GET http://a.example:8086/streams/x?y HTTP/1.0
Accept: */*
User-Agent: NSPlayer/7.10.0.3059
Host: a.example:8086
Via: 1.0 pumpd-1
Authorization: Basic dTpw
Proxy-Authorization: Basic djpx
Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0
Pragma: xClientGUID={C77E7400-738A-11D2-9ADD-0020AF0A3278}
Connection: Close

`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.r.append(nil)
			if want := strings.ReplaceAll(tt.want, "\n", "\r\n"); string(got) != want {
				t.Errorf("got\n%q, want\n%q", got, want)
			}
			var r codec.Request
			if n, err := codec.ParseRequest(got, len(got), &r); n != len(got) || err != nil {
				t.Errorf("we do not understand it ourselves: %d of %d bytes, %v", n, len(got), err)
			}
		})
	}
}

func TestNewGUID(t *testing.T) {
	var a, b, c, d, e uint64
	g := NewGUID()
	if n, err := fmt.Sscanf(g, "%8X-%4X-%4X-%4X-%12X", &a, &b, &c, &d, &e); n != 5 || err != nil || len(g) != 36 {
		t.Errorf("%q: %v, want 8-4-4-4-12 digits", g, err)
	}
	if NewGUID() == g {
		t.Errorf("%q twice", g)
	}
}
