package pull

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// What is asked where an upstream answers with a playlist.
func TestPullPlaylist(t *testing.T) {
	const a, b, c = "a.example:80", "b.example:80", "c.example:80"
	good := wms([][]byte{framed1}, orderlyEnd)
	gone := func(c *call) { c.say([]byte("HTTP/1.0 404 Not Found\r\n\r\n")) }
	for _, tt := range []struct {
		name  string
		hosts map[string]script
		asked []string
		err   string
	}{
		{"references, as ffserver", map[string]script{a: playlist("[Reference]\r\nRef1=http://b.example/x?MSWMExt=.asf\r\n"),
			b: good},
			[]string{a + " describe", b + " describe", b + " play"}, "upstream has ended"},
		{"ASX, mms://", map[string]script{a: asxOf("mms://b.example/x"), b: good},
			[]string{a + " describe", b + " describe", b + " play"}, "upstream has ended"},
		{"in order", map[string]script{a: asxOf("http://b.example/", "rtsp://c.example/", "http://c.example/"), b: gone,
			c: good},
			[]string{a + " describe", b + " describe", c + " describe", c + " play"}, "upstream has ended"},
		{"none is good", map[string]script{a: asxOf("http://b.example/", "http://c.example/"), b: gone, c: gone},
			[]string{a + " describe", b + " describe", c + " describe"}, "playlist entry 2 of 2: upstream answers 404"},
		{"in a playlist", map[string]script{a: asxOf("http://b.example/"), b: asxOf("http://c.example/"), c: good},
			[]string{a + " describe", b + " describe", c + " describe", c + " play"}, "upstream has ended"},
		{"redirected to a playlist", map[string]script{a: moved("http://b.example/"), b: asxOf("http://c.example/"), c: good},
			[]string{a + " describe", b + " describe", c + " describe", c + " play"}, "upstream has ended"},
		{"a second one where the first does not play", map[string]script{a: asxOf("http://b.example/", "http://c.example/"),
			b: wms(nil, noEnd), c: good},
			[]string{a + " describe", b + " describe", b + " play", c + " describe", c + " play"}, "upstream has ended"},
		{"behind blank lines", map[string]script{a: playlist(strings.Repeat("\r\n", 100) +
			"<asx><ref href='http://b.example/'>"), b: good},
			[]string{a + " describe", b + " describe", b + " play"}, "upstream has ended"},
		{"connection left open", map[string]script{a: func(c *call) {
			asxOf("http://b.example/")(c)
			c.hold()
		}, b: good}, []string{a + " describe", b + " describe", b + " play"}, "upstream has ended"},
		{"itself", map[string]script{a: asxOf("/")}, []string{a + " describe"}, "leads back to itself"},
		{"each other", map[string]script{a: asxOf("http://b.example/"), b: asxOf("http://a.example/")},
			[]string{a + " describe", b + " describe"}, "leads back to itself"},
		{"to this machine", map[string]script{a: asxOf("http://127.0.0.1/", "http://10.0.0.1/", "http://b.example/"), b: good,
			"127.0.0.1:80": good, "10.0.0.1:80": good}, []string{a + " describe", b + " describe", b + " play"},
			"upstream has ended"},
		{"too long", map[string]script{a: playlist("<asx>" + strings.Repeat(" ", 64<<10))}, []string{a + " describe"},
			"more than 65536 bytes"},
		{"without end", map[string]script{a: func(c *call) {
			c.say([]byte("HTTP/1.0 200 OK\r\n\r\n<asx>"))
			for c.n == 1 {
				if _, err := c.Write([]byte("<title/>")); err != nil {
					return
				}
			}
		}}, []string{a + " describe"}, "more than 65536 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, "http://a.example/")
				s.hosts = tt.hosts
				if err := s.once(); err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("ended with %v, want %q", err, tt.err)
				}
				if got := s.requests(); !slices.Equal(got, tt.asked) {
					t.Errorf("asked %q, want %q", got, tt.asked)
				}
				if got := s.seen(); (got == "h 1") != strings.Contains(tt.err, "ended") {
					t.Errorf("stream got %q", got)
				}
			})
		})
	}
}

// Playlists of playlists end: by depth, and by the number of all that are asked.
func TestPullPlaylistBounds(t *testing.T) {
	for _, width := range []int{1, 16} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, "http://a.example/0")
			s.hosts["a.example:80"] = func(c *call) {
				var next []string
				for i := range width {
					next = append(next, fmt.Sprintf("%s-%d", strings.Fields(c.head)[1], i))
				}
				asxOf(next...)(c)
			}
			err := s.once()
			if want := map[bool]string{true: "redirects: more than 5",
				false: "more than 32 servers"}[width == 1]; !strings.Contains(err.Error(), want) {
				t.Errorf("%d entries: %v, want %q", width, err, want)
			}
			if got := len(s.requests()); got > 32 {
				t.Errorf("%d entries: %d requests", width, got)
			}
		})
	}
}

// A preferred upstream that is a playlist is probed through it.
func TestProbePlaylist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "http://a.example/")
		s.hosts["a.example:80"] = asxOf("http://c.example/", "http://b.example/")
		s.hosts["b.example:80"] = wms(nil, noEnd)
		s.puller.ctx = t.Context()
		if err := s.puller.ask(s.puller.origins[0]); err != nil {
			t.Error(err)
		}
		s.hosts["b.example:80"] = moved("http://127.0.0.1/")
		if err := s.puller.ask(s.puller.origins[0]); err == nil || !strings.Contains(err.Error(), notAllowed) {
			t.Errorf("%v, want %s", err, notAllowed)
		}
	})
}

// playlist is the script of a server with a playlist.
func playlist(text string) script {
	return func(c *call) {
		c.say(fmt.Appendf(nil, "HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n%s", text))
	}
}

// asxOf makes a playlist.
func asxOf(hrefs ...string) script {
	var b strings.Builder
	for _, h := range hrefs {
		fmt.Fprintf(&b, "<entry><ref href=%q/></entry>", h)
	}
	return playlist("<asx>" + b.String() + "</asx>")
}
