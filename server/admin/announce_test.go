package admin

import (
	"net/netip"
	"strings"
	"testing"

	"pumpd/server/config"
)

// A pieces keeps each write by itself.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

// What people are told is in one piece: the log goes to the same terminal.
func TestAnnounce(t *testing.T) {
	r := newRig(t, pushStream("a", "Some news"), config.Stream{Path: "b", Enabled: true, Type: config.TypeFile})
	plain := []netip.AddrPort{netip.MustParseAddrPort("[::]:8086")}
	secure := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:8443")}
	var got pieces
	Announce(&got, r.s.Streams.Streams(), plain, secure, "http://127.0.0.1:8087/")
	want := strings.Join([]string{
		"Some news",
		"  watch  mmsh://localhost:8086/streams/a   (or http://…)",
		"  watch  https://192.0.2.1:8443/streams/a   (or mmshs://…)",
		"  push   http://localhost:8086/streams/a_push",
		"  push   https://192.0.2.1:8443/streams/a_push",
		"b",
		"  watch  mmsh://localhost:8086/streams/b   (or http://…)",
		"  watch  https://192.0.2.1:8443/streams/b   (or mmshs://…)",
		"Status", "  http://127.0.0.1:8087/",
		"Try it:", "  ffplay mmsh://localhost:8086/streams/b", "",
	}, "\n")
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
