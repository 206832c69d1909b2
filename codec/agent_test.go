package codec

import (
	"fmt"
	"testing"
)

var agents = []struct{ in, want string }{
	{"NSPlayer/4.1.0.3856", `"NSPlayer" 1 4.1 known`},
	{"NSPlayer/12.0.7601.17514", `"NSPlayer" 1 12.0 known`},
	{"NSPlayer/11.08.0005.0000", `"NSPlayer" 1 11.8 known`},
	{"nsplayer/9.0", `"nsplayer" 1 9.0 known`},
	{"NSPLAYER/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-5E0B6EFB86CF}; Host: h", `"NSPLAYER" 1 9.0 known`},
	{"NSPlayer/9.0;via WMCacheProxy", `"NSPlayer" 1 9.0 known`},
	{"NSPlayer/10.0.0.3802 WMFSDK/10.0", `"NSPlayer" 1 10.0 known WMFSDK`},
	{"nsplayer/12.00.19041.4894  x/1 wmfsdk", `"nsplayer" 1 12.0 known WMFSDK`},
	{"NSPlayer WMFSDK/", `"NSPlayer" 1 0.0 WMFSDK`},
	{"NSPlayer/10.0 (WMFSDK/10.0) WMFSDKS/1 xWMFSDK/1", `"NSPlayer" 1 10.0 known`},
	{"NSPlayer/12.0 (Windows NT 6.1)", `"NSPlayer" 1 12.0 known`},
	{"NSPlayer/12", `"NSPlayer" 1 12.0 known`},
	{"NSPlayer/999.65535", `"NSPlayer" 1 999.65535 known`},
	{"NSPlayer/7.10.0.3059", `"NSPlayer" 1 7.10 known VLC`},
	{"NSPlayer/7.10.0.30590", `"NSPlayer" 1 7.10 known`},
	{"NSPlayer/7.10.0.3059 x", `"NSPlayer" 1 7.10 known VLC`},
	{"nsplayer/7.10.0.3059; via WMCacheProxy/9.0", `"nsplayer" 1 7.10 known VLC`},
	{"NSServer/7.10.0.3059", `"NSServer" 2 7.10 known`},
	{"NSServer/9.1.1.3814", `"NSServer" 2 9.1 known`},
	{"WMCacheProxy/9.00.00.1234", `"WMCacheProxy" 3 9.0 known`},
	{"WMEncoder/11.0.5721.5145", `"WMEncoder" 4 11.0 known`},

	{"NSPlayer", `"NSPlayer" 1 0.0`},
	{"NSPlayer (Windows)", `"NSPlayer" 1 0.0`},
	{"NSPlayer/", `"NSPlayer" 1 0.0`},
	{"NSPlayer/ 9.0", `"NSPlayer" 1 0.0`},
	{"NSPlayer /9.0", `"NSPlayer" 1 0.0`},
	{"NSPlayer/.9", `"NSPlayer" 1 0.0`},
	{"NSPlayer/9.", `"NSPlayer" 1 0.0`},
	{"NSPlayer/9.x", `"NSPlayer" 1 0.0`},
	{"NSPlayer/9x.0", `"NSPlayer" 1 0.0`},
	{"NSPlayer/-9.0", `"NSPlayer" 1 0.0`},
	{"NSPlayer/9000.0", `"NSPlayer" 1 0.0`},
	{"NSPlayer/4294967305.0", `"NSPlayer" 1 0.0`},
	{"NSPlayer/9.4294967296", `"NSPlayer" 1 0.0`},

	{"NSPlayerX/9.0", `"NSPlayerX" 0 9.0 known`},
	{"xNSPlayer/9.0", `"xNSPlayer" 0 9.0 known`},
	{"MPlayer UNKNOWN-12", `"MPlayer" 0 0.0`},
	{"Lavf/59.27.100", `"Lavf" 0 59.27 known`},
	{"VLC/3.0.24 LibVLC/3.0.24", `"VLC" 0 3.0 known`},
	{"Mozilla/5.0 (NSPlayer/9.0)", `"Mozilla" 0 5.0 known`},
	{"(NSPlayer/9.0)", `"" 0 0.0`},
	{"/9.0", `"" 0 0.0`},
	{"", `"" 0 0.0`},
	{"\x00\xff", `"" 0 0.0`},
}

func showAgent(a Agent) string {
	s := fmt.Sprintf("%q %d %d.%d", a.Token, a.Known, a.Major, a.Minor)
	if a.HasVersion {
		s += " known"
	}
	if a.VLC {
		s += " VLC"
	}
	if a.WMFSDK {
		s += " WMFSDK"
	}
	return s
}

func TestParseAgent(t *testing.T) {
	for _, c := range agents {
		if got := showAgent(ParseAgent([]byte(c.in))); got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
		for i := range len(c.in) {
			b := []byte(c.in)[:i:i]
			checkAliases(t, b, ParseAgent(b))
		}
	}
}

func FuzzAgent(f *testing.F) {
	for _, c := range agents {
		f.Add([]byte(c.in))
	}
	addFields(f, "User-Agent", func(value []byte) { f.Add(value) })
	f.Fuzz(func(t *testing.T, ua []byte) {
		a := ParseAgent(ua)
		checkAliases(t, ua, a)
		if a.Major < 0 || a.Major > 999 || a.Minor < 0 || a.Minor > 99999 {
			t.Errorf("%q: version %d.%d", ua, a.Major, a.Minor)
		}
		if !a.HasVersion && (a.Major != 0 || a.Minor != 0) {
			t.Errorf("%q: unknown version %d.%d", ua, a.Major, a.Minor)
		}
		if a.VLC && (a.Known != NSPlayer || a.Major != 7 || a.Minor != 10) {
			t.Errorf("%q: VLC, but %s", ua, showAgent(a))
		}
		if b := ParseAgent(append(ua[:len(ua):len(ua)], "; via WMCacheProxy"...)); a.Known != b.Known || a.Major != b.Major {
			t.Errorf("%q: %s, and through a proxy %s", ua, showAgent(a), showAgent(b))
		}
	})
}
