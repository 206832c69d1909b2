package server

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"pumpd/server/admission"
	"pumpd/server/config"
)

// fullRig is a pump with no room, which its clients know as a.example:8086, and with siblings.
func fullRig(t testing.TB, siblings ...string) *rig {
	r := newRig(t, func(c *config.Config) { c.Server.MaxViewers, c.Server.Siblings = 1, siblings }, "a")
	r.feeder(0, 320).publish(1)
	r.watch("a", curlAgent)
	return r
}

// location is where a peer is sent, "" if it is not.
func (p *peer) location() string {
	_, after, _ := strings.Cut(string(p.got), "\r\nLocation: ")
	place, _, _ := strings.Cut(after, "\r\n")
	if strings.Contains(p.status(), "302") != (place != "") {
		p.rig.t.Errorf("%q, Location %q", p.status(), place)
	}
	return place
}

func TestSiblings(t *testing.T) {
	const b, c = "mmsh://b.example:8086", "http://C.example"
	for _, tt := range []struct {
		name, target, agent string
		siblings            []string
		want                string
	}{
		{"none", "/streams/a", curlAgent, nil, ""},
		{"FFmpeg", "/streams/a", ffmpegAgent, []string{b},
			"http://b.example:8086/streams/a?full=a.example:8086,b.example:8086"},
		{"VLC", "/streams/a", vlcAgent, []string{b}, "mmsh://b.example:8086/streams/a?full=a.example:8086,b.example:8086"},
		{"no port", "/streams/a", wmpAgent, []string{c}, "http://C.example/streams/a?full=a.example:8086,c.example:80"},
		{"TLS", "/streams/a", curlAgent, []string{"mmshs://b.example"},
			"https://b.example/streams/a?full=a.example:8086,b.example:443"},
		{"query", "/STREAMS/A/?MSWMExt=.asf&x=%41", curlAgent, []string{b},
			"http://b.example:8086/streams/a?full=a.example:8086,b.example:8086&MSWMExt=.asf&x=%41"},
		{"back", "/streams/a?full=b.example:8086,a.example:8086", curlAgent, []string{b}, ""},
		{"back, by a name that b does not have here", "/streams/a?full=192.0.2.9:8086,a.example:8086", curlAgent,
			[]string{b}, ""},
		{"on", "/streams/a?full=b.example:8086,a.example:8086&x", curlAgent, []string{b, c},
			"http://C.example/streams/a?full=b.example:8086,a.example:8086,c.example:80&x"},
		{"on, escaped", "/streams/a?full=B.example%3A8086%2Ca.example%3a8086", curlAgent, []string{b, c},
			"http://C.example/streams/a?full=b.example:8086,a.example:8086,c.example:80"},
		{"on, told twice", "/streams/a?full=c.example:80&full=a.example:8086", curlAgent, []string{b, c},
			"http://b.example:8086/streams/a?full=c.example:80,a.example:8086,b.example:8086"},
		{"all tried", "/streams/a?full=c.example:80,b.example:8086,a.example:8086", curlAgent, []string{b, c}, ""},
		{"what is no host", "/streams/a?full=%0d%0aX:y,<b>", curlAgent, []string{b, c},
			"http://b.example:8086/streams/a?full=-,-,b.example:8086"},
		{"what is no escape", "/streams/a?full=%zz", curlAgent, []string{b},
			"http://b.example:8086/streams/a?full=-,b.example:8086"},
		{"a list without end", "/streams/a?full=" + strings.Repeat(",", 3000), curlAgent, []string{b, c}, ""},
	} {
		r := fullRig(t, tt.siblings...)
		if got := r.ask("GET", tt.target, tt.agent, "").location(); got != tt.want {
			t.Errorf("%s: sent to %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who sends no Host cannot say where it has been, and is sent on all the same.
func TestSiblingWithoutHost(t *testing.T) {
	r := fullRig(t, "mmsh://b.example:8086")
	p := r.connect()
	p.say("GET /streams/a HTTP/1.0\r\n\r\n")
	if got, want := p.location(), "http://b.example:8086/streams/a?full=-:80,b.example:8086"; got != want {
		t.Errorf("sent to %q, want %q", got, want)
	}
}

// Describes and Plays each go to the siblings in turn: a player that asks for both here finds both at one of them.
func TestSiblingsInTurn(t *testing.T) {
	r := fullRig(t, "mmsh://b.example:1", "mmsh://c.example:2", "mmsh://d.example:3")
	for i := range 6 {
		host := []string{"http://b.example:1/", "http://c.example:2/", "http://d.example:3/"}[i%3]
		for _, play := range []string{"", "Pragma: xPlayStrm=1\r\n"} {
			if got := r.ask("GET", "/streams/a", ffmpegAgent, play).location(); !strings.HasPrefix(got, host) {
				t.Errorf("number %d, %q: sent to %q, want %s", i, play, got, host)
			}
		}
	}
}

// A pump that its clients know by what stands in the query, as FFmpeg's Host is that of the first, goes by that name.
func TestSiblingKnowsItsName(t *testing.T) {
	r := fullRig(t, "mmsh://c.example:2", "mmsh://b.example:1")
	p := r.ask("GET", "/streams/a?full=first.example:1,me.example:9", ffmpegAgent, "")
	want := "http://c.example:2/streams/a?full=first.example:1,me.example:9,c.example:2"
	if got := p.location(); got != want {
		t.Errorf("sent to %q, want %q", got, want)
	}
}

// A client that follows comes to each pump once, whether its Host field follows as well or keeps the first name.
func TestSiblingsEndSomewhere(t *testing.T) {
	names := []string{"a.example:8086", "b.example:8086", "c.example:8086", "d.example:8086"}
	pumps := map[string]*rig{}
	for i, name := range names {
		var others []string
		for _, other := range append(names[i+1:len(names):len(names)], names[:i]...) {
			others = append(others, "mmsh://"+other)
		}
		pumps[name] = fullRig(t, others...)
	}
	for _, keeps := range []bool{false, true} {
		var been []string
		at, target := names[0], "/streams/a"
		for at != "" {
			if slices.Contains(been, at) {
				t.Fatalf("Host kept: %v: sent from %q back to %s", keeps, been, at)
			}
			been = append(been, at)
			host := at
			if keeps {
				host = names[0]
			}
			p := pumps[at].connect()
			p.say("GET " + target + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n")
			at, target, _ = strings.Cut(strings.TrimPrefix(p.location(), "http://"), "/")
			target = "/" + target
		}
		if len(been) != len(names) {
			t.Errorf("Host kept: %v: was at %q, want all of %q", keeps, been, names)
		}
	}
}

// Who speaks TLS is sent to those who do: a signed URL must not go over the line in plain text.
func TestSiblingOfTLS(t *testing.T) {
	r, h := newTLSRig(t)
	r.feeder(0, 320).publish(1)
	r.loop.node.ledger.SetLimits(admission.Limits{Viewers: 1})
	r.loop.node.siblings.Store(siblingsOf(&config.Server{
		Siblings: []string{"mmsh://b.example:8086", "https://c.example"},
	}))
	r.watch("a", curlAgent)
	p := r.connectTLS(h, nil)
	p.say("GET /streams/a?exp=1&sig=2 HTTP/1.0\r\nHost: a.example\r\n\r\n")
	want := "Location: https://c.example/streams/a?full=a.example:443,c.example:443&exp=1&sig=2\r\n"
	if got := string(p.drain(func() {})); !strings.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever a query is, the Location is one line that leads to a sibling, and says so.
func FuzzSiblingQuery(f *testing.F) {
	for _, query := range []string{
		"", "full=a:1", "full=a:1,b.example:8086&x=#", "a&&full=%2C%0d%0a", "full=\xff,[::1]:80", "&", "?",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p := fullRig(t, "mmsh://b.example:8086", "mmsh://c.example:8086").connect()
		p.say("GET /streams/a?" + query + " HTTP/1.0\r\nHost: a.example:8086\r\n\r\n")
		if !strings.Contains(p.status(), " 302 ") {
			return
		}
		u, err := url.Parse(p.location())
		if err != nil || u.Host != "b.example:8086" && u.Host != "c.example:8086" || u.Path != "/streams/a" {
			t.Fatalf("%q: sent to %q, %v", query, p.location(), err)
		}
		tried, _ := triedIn([]byte(u.RawQuery))
		if n := len(tried); n < 2 || tried[n-1] != u.Host || slices.Contains(tried[:n-1], u.Host) {
			t.Errorf("%q: sent to %q by way of %q", query, u.Host, tried)
		}
	})
}
