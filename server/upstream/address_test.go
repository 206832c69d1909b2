package upstream

import (
	"strings"
	"testing"
)

func TestParseUpstream(t *testing.T) {
	for _, tt := range []struct {
		raw    string
		want   Address
		text   string // what logs show
		refuse bool
	}{
		{raw: "http://a.example/x", want: Address{addr: "a.example:80", name: "a.example", host: "a.example:80",
			target: "/x"}, text: "http://a.example:80/x"},
		{raw: "mmsh://127.0.0.1:7070/", want: Address{addr: "127.0.0.1:7070", name: "127.0.0.1", host: "127.0.0.1:7070",
			target: "/"}, text: "http://127.0.0.1:7070/"},
		{raw: "mms://a.example", want: Address{addr: "a.example:80", name: "a.example", host: "a.example:80", target: "/"},
			text: "http://a.example:80/"},
		{raw: "MMSH://a.example/X y?b=c#d", want: Address{addr: "a.example:80", name: "a.example", host: "a.example:80",
			target: "/X%20y?b=c"}, text: "http://a.example:80/X%20y?…"},
		{raw: "https://u:p%40:q@a.example/x", want: Address{secure: true, addr: "a.example:443", name: "a.example",
			host: "a.example:443", target: "/x", user: "u", password: "p@:q"}, text: "https://a.example:443/x"},
		{raw: "mmshs://[::1]:8089/x", want: Address{secure: true, addr: "[::1]:8089", name: "::1", host: "[::1]:8089",
			target: "/x"}, text: "https://[::1]:8089/x"},
		{raw: "mmsh://[fe80::1%25eth0]/x", want: Address{addr: "[fe80::1%eth0]:80", name: "fe80::1", host: "[fe80::1]:80",
			target: "/x"}, text: "http://[fe80::1]:80/x"},
		{raw: "", refuse: true},
		{raw: "a.example/x", refuse: true},
		{raw: "rtsp://a.example/x", refuse: true},
		{raw: "http:///x", refuse: true},
		{raw: "http://a.example:port/x", refuse: true},
		{raw: "http://a.example/x?a b", refuse: true},
		{raw: "http://a.example/x\r\nPragma: y", refuse: true},
	} {
		t.Run(tt.raw, func(t *testing.T) {
			got, err := Parse(tt.raw)
			if tt.refuse {
				if err == nil {
					t.Fatalf("got %+v, want an error", *got)
				}
				return
			}
			if err != nil || *got != tt.want {
				t.Fatalf("got %+v, %v, want %+v", got, err, tt.want)
			}
			if got.String() != tt.text {
				t.Errorf("in logs %q, want %q", got, tt.text)
			}
		})
	}
}

func TestParseUpstreamHidesPassword(t *testing.T) {
	for _, raw := range []string{"rtsp://u:secret@a.example/x", "http://u:secret@a.example:port/x", "http://u:secret@/x"} {
		if _, err := Parse(raw); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want an error without the password", raw, err)
		}
	}
}

func TestUpstreamRedirect(t *testing.T) {
	const from = "http://u:p@a.example:81/dir/x?y"
	for _, tt := range []struct {
		location string
		want     string // "" is an error
		user     string
	}{
		{"http://b.example/z", "http://b.example:80/z", ""},
		{"mmsh://b.example:8086/z", "http://b.example:8086/z", ""},
		{"mmshs://b.example/z", "https://b.example:443/z", ""},
		{"//b.example/z", "http://b.example:80/z", ""},
		{"/z", "http://a.example:81/z", "u"},
		{"z", "http://a.example:81/dir/z", "u"},
		{"?z", "http://a.example:81/dir/x?z", "u"},
		{"http://a.example:81/z", "http://a.example:81/z", "u"},
		{"https://a.example:81/z", "https://a.example:81/z", ""},
		{"http://v:q@b.example/z", "http://b.example:80/z", "v"},
		{"", "http://a.example:81/dir/x?y", "u"},
		{"ftp://b.example/z", "", ""},
		{"http://[b.example/z", "", ""},
		{"http:///z", "", ""},
	} {
		t.Run(tt.location, func(t *testing.T) {
			up, err := Parse(from)
			if err != nil {
				t.Fatal(err)
			}
			to, err := up.redirect(tt.location)
			if tt.want == "" {
				if err == nil {
					t.Errorf("to %v, want an error", to)
				}
				return
			}
			if err != nil || to.absolute() != tt.want || to.user != tt.user {
				t.Errorf("to %+v, %v, want %s as user %q", to, err, tt.want, tt.user)
			}
		})
	}
}
