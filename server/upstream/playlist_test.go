package upstream

import (
	"slices"
	"strings"
	"testing"
)

var playlists = []struct {
	name, text string
	want       []string
}{
	{"ASX", `<asx version="3.0"><title>x</title><entry><ref href="mms://a/x"/></entry><entry><ref href="http://b/y"/></entry></asx>`,
		[]string{"mms://a/x", "http://b/y"}},
	{"in any case", "<ASX Version='3.0'>\r\n<ENTRY><REF HREF = 'mms://a/x' /></Entry>\r\n" +
		"<EntryRef Href=\"more.asx\"/></asx>",
		[]string{"mms://a/x", "more.asx"}},
	{"several of one entry", `<asx><entry><ref href="a"/><ref href="b"></ref></entry><entry><ref href="c"></entry></asx>`,
		[]string{"a", "b", "c"}},
	{"no quotes, no ends", `<asx version=3.0><entry><ref href=http://a/x?b=1><entry><ref href=http://a/y>`,
		[]string{"http://a/x?b=1", "http://a/y"}},
	{"ampersands", `<asx><ref href="http://a/x?b=1&copy=2&amp;d=3&#38;e"/></asx>`,
		[]string{"http://a/x?b=1&copy=2&d=3&e"}},
	{"comments", "<!-- a -- b --><asx><!-- <ref href=\"no\"/> -- --><ref href=\"yes\"/></asx>", []string{"yes"}},
	{"declarations", "\xEF\xBB\xBF<?xml version=\"1.1\" encoding=\"windows-1252\"?>\n<!DOCTYPE asx>\n" +
		"<asx><ref href=\"a\"/></asx>", []string{"a"}},
	{"not UTF-8, and a NUL", "<asx><title>caf\xe9\x00</title><ref href=\"a\"/></asx>", []string{"a"}},
	{"other links", `<asx><logo href="l.gif"/><banner href="b.gif"><moreinfo href="m.html"/></banner><entry><ref href="a"/></entry></asx>`, []string{"a"}},
	{"events", `<asx><event name="e"><entryref href="no"/></event><entry><ref href="a"/></entry></asx>`, []string{"a"}},
	{"base", `<asx><base href="mms://a/dir/"/><ref href="x"/><ref href="/y"/><ref href="http://b/z"/></asx>`,
		[]string{"mms://a/dir/x", "mms://a/y", "http://b/z"}},
	{"empty ones", `<asx><ref href=""/><ref/><ref href=" a "/></asx>`, []string{"a"}},
	{"damaged on the way", `<asx><ref href="a"/><entry <<< "><ref href='b'/><ref href="c></asx>`, []string{"a", "b"}},
	{"apostrophes", `<asx><title>Joe's</title><param name=Joe's><ref href="a"/><abstract>it's</abstract><ref href='b'></asx>`, []string{"a", "b"}},
	{"no quotes, an end", `<asx><ref href=a/><ref href=b /></asx>`, []string{"a", "b"}},
	{"many", "<asx>" + strings.Repeat(`<ref href="a"/>`, 1000), slices.Repeat([]string{"a"}, maxEntries)},
	{"ASX without entries", "<asx></asx>", nil},

	{"references", "[Reference]\r\nRef1=http://a/x?MSWMExt=.asf\r\nRef2=http://b/x\r\n",
		[]string{"http://a/x?MSWMExt=.asf", "http://b/x"}},
	{"references in any case", " [REFERENCE] \nref1 = mms://a/x\n\nREF02=mms://b/y", []string{"mms://a/x", "mms://b/y"}},
	{"another section", "[Reference]\nRef1=a\n[Other]\nRef2=b\n", []string{"a"}},
	{"other keys", "[Reference]\nRef=a\nRefx=b\nTitle1=c\nRef3=\nRef4=d", []string{"d"}},

	{"a web page", `<html><body><a href="http://a/"/><asx><ref href="a"/></asx></body></html>`, nil},
	{"RSS", `<?xml version="1.0"?><rss><ref href="a"/></rss>`, nil},
	{"another list", "[playlist]\nFile1=http://a/x\nRef1=http://a/x\n", nil},
	{"text", "Ref1=http://a/x", nil},
	{"nothing", "", nil},
}

func TestParsePlaylist(t *testing.T) {
	for _, tt := range playlists {
		t.Run(tt.name, func(t *testing.T) {
			if got := parsePlaylist([]byte(tt.text)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Whatever it is, entries are few, and all that becomes of them are upstreams or errors.
func FuzzPlaylist(f *testing.F) {
	for _, tt := range playlists {
		f.Add([]byte(tt.text))
	}
	base, _ := Parse("http://a.example/dir/x")
	f.Fuzz(func(t *testing.T, text []byte) {
		list := parsePlaylist(text)
		if len(list) > maxEntries {
			t.Fatalf("%d entries, limit %d", len(list), maxEntries)
		}
		for _, href := range list {
			if href == "" {
				t.Fatal("an empty entry")
			}
			to, err := base.redirect(href)
			if err == nil && strings.ContainsFunc(to.target+to.host, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Fatalf("%q leads to %q on %q", href, to.target, to.host)
			}
		}
	})
}
