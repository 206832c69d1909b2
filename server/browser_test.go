package server

import (
	"strings"
	"testing"

	"pumpd/asf/asftest"
	"pumpd/server/auth"
	"pumpd/server/config"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// newBrowserRig has a stream that is live, one that is not, and one with a password.
func newBrowserRig(t *testing.T) *rig {
	r := newRig(t, func(c *config.Config) {
		c.Streams[0].Title = "A <b>& more"
		c.Streams[2].ViewUsers = []auth.Secret{"a:long-enough-word"}
	}, "a", "idle", "private")
	for _, i := range []int{0, 2} {
		src := r.source(i)
		if err := src.Header(asftest.Header(asftest.PacketSize, 320)); err != nil {
			t.Fatal(err)
		}
		if err := src.Packet(asftest.Packet(0, 0, true, asftest.PacketSize, 500)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// browse asks as a browser of that name, which wants to have something accepted.
func (r *rig) browse(method, target, agent, accept string) *peer {
	p := r.connect()
	p.say(method + " " + target + " HTTP/1.1\r\nHost: pump.example:8086\r\nUser-Agent: " + agent + "\r\nAccept: " +
		accept + "\r\n\r\n")
	return p
}

const pageTypes = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestBrowsersGetLinks(t *testing.T) {
	r := newBrowserRig(t)
	for _, c := range []struct {
		target string
		has    []string
		hasNot []string
	}{
		{"/streams/A?x=1&sig=%22%3Cb", []string{
			"<h1>A &lt;b&gt;&amp; more</h1>", "It is live.",
			`<a class="play" href="/streams/a.asx?x=1&amp;sig=%22%3Cb">`,
			`href="mmsh://pump.example:8086/streams/a?x=1&amp;sig=%22%3Cb"`, `href="http://pump.example:8086/streams/a?x=1`,
		}, []string{"<b>"}},
		{"/streams/idle", []string{"<h1>idle</h1>", "Nothing is sent"}, nil},
		{"/streams/private", []string{"<h1>private</h1>"}, nil},
		{"/", []string{`<a href="/streams/a">A &lt;b&gt;`}, []string{"idle", "private"}},
	} {
		p := r.browse("GET", c.target, firefox, pageTypes)
		if p.conn.viewer != nil || !strings.Contains(p.status(), "200") || !strings.Contains(string(p.got),
			"\r\nContent-Type: text/html; charset=utf-8\r\n") {
			t.Fatalf("%s: %.300q, want a page", c.target, p.got)
		}
		for _, has := range c.has {
			if !strings.Contains(string(p.body()), has) {
				t.Errorf("%s: no %q in %s", c.target, has, p.body())
			}
		}
		for _, hasNot := range c.hasNot {
			if strings.Contains(string(p.body()), hasNot) {
				t.Errorf("%s: %q in %s", c.target, hasNot, p.body())
			}
		}
		if h := r.browse("HEAD", c.target, firefox, pageTypes); len(h.body()) > 0 || !strings.Contains(string(h.got),
			"text/html") {
			t.Errorf("HEAD %s: %q", c.target, h.got)
		}
	}
	if p := r.browse("GET", "/streams/none", firefox, pageTypes); !strings.Contains(p.status(), "404") {
		t.Errorf("no stream: %s, want 404", p.status())
	}
}

// Players never get a page, whatever they call themselves and accept.
func TestPlayersGetNoLinks(t *testing.T) {
	r := newBrowserRig(t)
	for _, agent := range []string{
		"NSPlayer/12.00.19041.0 WMFSDK/12.00", "NSPlayer/9.0", "VLC/3.0.18 LibVLC/3.0.18", "Lavf/58.76.100", "MPlayer 1.5",
		"mpv 0.35", "GStreamer souphttpsrc 1.22", "xine/1.2", "Windows-Media-Player/12.0", "iTunes/12.9", "QuickTime/7.7",
		"WMFSDK/12.00", "Wget/1.21", "curl/7.88", "", "WinampMPEG/5.66", "Totem/3.0",
		"Mozilla/5.0 (compatible; GStreamer souphttpsrc)", "Mozilla/4.0 (compatible; NSPlayer/9.0)", "Mozilla/5.0 iTunes/12",
	} {
		if p := r.browse("GET", "/streams/a", agent, pageTypes); strings.Contains(string(p.got), "text/html") {
			t.Errorf("%q got a page", agent)
		}
	}
	for _, accept := range []string{"*/*", "", "video/webm,video/ogg,video/*;q=0.9,*/*;q=0.5"} { // a video in a page
		if p := r.browse("GET", "/streams/a", firefox, accept); p.conn.viewer == nil {
			t.Errorf("Accept %q: %s, want the stream", accept, p.status())
		}
	}
	p := r.connect()
	p.say("GET /streams/a HTTP/1.1\r\nHost: a\r\nUser-Agent: " + firefox + "\r\nAccept: text/html\r\n" +
		"Range: bytes=0-\r\n\r\n")
	if p.conn.viewer == nil {
		t.Errorf("with a range: %s, want the stream", p.status())
	}
}

func TestPlaylist(t *testing.T) {
	r := newBrowserRig(t)
	for _, agent := range []string{firefox, "NSPlayer/12.0", "VLC/3.0", "curl/7.88"} {
		p := r.browse("GET", "/streams/A.asx?s=1&t=2", agent, "*/*")
		for _, has := range []string{
			"Content-Type: video/x-ms-asx\r\n", "<title>A &lt;b&gt;&amp; more</title>",
			`<ref href="mms://pump.example:8086/streams/a?s=1&amp;t=2"/>`, `<ref href="http://pump.example:8086/streams/a?s=1`,
		} {
			if !strings.Contains(string(p.got), has) {
				t.Errorf("%s: no %q in %s", agent, has, p.got)
			}
		}
	}
	for _, target := range []string{"/streams/none.asx", "/streams/a_push.asx", "/.asx", "/streams/.asx"} {
		if p := r.browse("GET", target, firefox, "*/*"); !strings.Contains(p.status(), "404") {
			t.Errorf("%s: %s, want 404", target, p.status())
		}
	}
}

func TestHostsForLinks(t *testing.T) {
	for s, want := range map[string]bool{
		"pump.example": true, "pump.example:8086": true, "192.0.2.1": true, "192.0.2.1:80": true, "[::1]": true,
		"[2001:db8::1]:8086": true, "": false, "a b": false, `a"`: false, "a:b": false, "a:1:2": false, "[::1": false,
		"<x>": false, "a/b": false, "a:999999": false, "[fe80::1%eth0]:80": false,
	} {
		if isHostPort(s) != want {
			t.Errorf("%q: %v, want %v", s, !want, want)
		}
	}
}
