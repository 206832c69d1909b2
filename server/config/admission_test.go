package config

import (
	"os"
	"testing"
)

const stream300 = "[[streams]]\npath = \"a\"\ntype = \"file\"\nbitrate = \"300kbit\"\n"

var badAdmission = []badConfig{
	{"bytes or bits", "[server]\nuplink = \"20M\"\n", `pump.toml:2: server.uplink: "20M", want ` + wantBandwidth +
		`, or "auto"`},
	{"bytes", "[server]\nmax_bandwidth = \"20MB\"\n", `pump.toml:2: server.max_bandwidth: "20MB", want ` + wantBandwidth},
	{"millibits", "[server]\nmax_bandwidth = \"20mbit\"\n", `pump.toml:2: server.max_bandwidth: "20mbit", want ` +
		wantBandwidth},
	{"bits as a number", "[server]\nmax_bandwidth = 20_000_000\n", "pump.toml:2: server.max_bandwidth: 20000000, want " +
		wantBandwidth},
	{"less than nothing", "[server]\nmax_bandwidth = \"-1Mbit\"\n", `pump.toml:2: server.max_bandwidth: "-1Mbit", want ` +
		wantBandwidth},
	{"nothing", "[server]\nmax_bandwidth = \"0Mbit\"\n", `pump.toml:2: server.max_bandwidth: "0Mbit", want ` +
		wantBandwidth},
	{"a unit alone", "[server]\nmax_bandwidth = \"Mbit\"\n", `pump.toml:2: server.max_bandwidth: "Mbit", want ` +
		wantBandwidth},
	{"too much", "[server]\nmax_bandwidth = \"1e9Gbit\"\nuplink = \"2000Gbit\"\n",
		`pump.toml:2: server.max_bandwidth: "1e9Gbit", want ` + wantBandwidth + "\n" +
			`pump.toml:3: server.uplink: "2000Gbit", want ` + wantBandwidth + `, or "auto"`},
	{"too little for anybody", "[server]\nmax_bandwidth = \"1kbit\"\nuplink = \"1bit\"\n",
		`pump.toml:2: server.max_bandwidth: 1kbit, want at least 4kbit, or "" for none` + "\n" +
			`pump.toml:3: server.uplink: 1bit, want at least 4kbit, or "" for none`},

	{"all in reserve", "[server]\nuplink_reserve = \"100%\"\nrelay_share = \"101%\"\n",
		`pump.toml:2: server.uplink_reserve: "100%", want ` + wantShare + "\n" +
			`pump.toml:3: server.relay_share: "101%", want ` + wantShare},
	{"a part as a number", "[server]\nuplink_reserve = 0.05\n", "pump.toml:2: server.uplink_reserve: 0.05, want " +
		wantShare},
	{"no percent", "[server]\nuplink_reserve = \"5\"\nrelay_share = \"-5%\"\n",
		`pump.toml:2: server.uplink_reserve: "5", want ` + wantShare + "\n" +
			`pump.toml:3: server.relay_share: "-5%", want ` + wantShare},

	{"less than nobody", "[server]\nmax_viewers = -1\nmax_per_ip = -1\nready_headroom = -1\n",
		"pump.toml:2: server.max_viewers: -1, want 0 to 10000000\n" +
			"pump.toml:3: server.max_per_ip: -1, want 0 to 10000000\n" +
			"pump.toml:4: server.ready_headroom: -1, want 0 to 10000000"},
	{"never ready", "[server]\nmax_viewers = 10\nready_headroom = 11\n",
		"pump.toml:3: server.ready_headroom: 11, want at most max_viewers, 10: it would never be ready"},
	{"no time to watch", "[server]\nmax_session = \"1s\"\n",
		`pump.toml:2: server.max_session: 1s, want 10s to 2592000s, or "0s" for ever`},

	{"less than one viewer", "[server]\nmax_bandwidth = \"299kbit\"\n" + stream300 + "max_bandwidth = \"200kbit\"\n",
		"pump.toml:2: server.max_bandwidth: 299kbit is less than one viewer of streams[0] takes: " +
			"bitrate is 300kbit (line 6)\n" +
			"pump.toml:7: streams[0].max_bandwidth: 200kbit is less than one viewer of streams[0] takes: " +
			"bitrate is 300kbit (line 6)"},
	{"less than one viewer beside what is kept", "[server]\nuplink = \"400kbit\"\nrelay_share = \"25%\"\n" + stream300,
		"pump.toml:2: server.uplink: 400kbit, of which 285kbit are not kept free, is less than one viewer of " +
			"streams[0] takes: bitrate is 300kbit (line 7)"},
	{"bitrates", "[[streams]]\npath = \"a\"\ntype = \"file\"\nbitrate = \"1bit\"\n[[streams]]\npath = \"b\"\n" +
		"type = \"file\"\nbitrate = \"11Gbit\"\nmax_viewers = -1\n",
		"pump.toml:4: streams[0].bitrate: 1bit, want at least 1kbit, or \"\" for none\n" +
			"pump.toml:8: streams[1].bitrate: 11Gbit, want at most 10Gbit\n" +
			"pump.toml:9: streams[1].max_viewers: -1, want 0 to 10000000"},

	{"sibling without scheme", "[server]\nsiblings = [\"b.example:8086\"]\n",
		`pump.toml:2: server.siblings[0]: "b.example:8086", want a URL that begins with mmsh://, http://, https://, mmshs://`},
	{"sibling with a path", "[server]\nsiblings = [\"mmsh://b.example:8086/streams/a\", \"http://u:p@b.example\"]\n",
		`pump.toml:2: server.siblings[0]: "mmsh://b.example:8086/streams/a", want nothing but a host and a port after ` +
			"mmsh://: the path is the stream's\n" +
			`pump.toml:2: server.siblings[1]: "http://…@b.example", want nothing but a host and a port after http://: ` +
			"the path is the stream's"},
	{"sibling twice", "[server]\nsiblings = [\"mmsh://b.example\", \"http://B.example:80\"]\n",
		`pump.toml:2: server.siblings[1]: "http://B.example:80", is the same as server.siblings[0]`},
	{"ourselves", "[server]\nadmin_hosts = [\"pump.example\"]\nsiblings = [\"mmsh://127.0.0.1:8086\",\n" +
		"\"mmsh://localhost:8086\",\n\"http://[::1]:8086\",\n\"http://pump.EXAMPLE:8086\",\n\"http://pump.example\"]\n",
		`pump.toml:3: server.siblings[0]: "mmsh://127.0.0.1:8086", is this server itself, want others` + "\n" +
			`pump.toml:4: server.siblings[1]: "mmsh://localhost:8086", is this server itself, want others` + "\n" +
			`pump.toml:5: server.siblings[2]: "http://[::1]:8086", is this server itself, want others` + "\n" +
			`pump.toml:6: server.siblings[3]: "http://pump.EXAMPLE:8086", is this server itself, want others`},
	{"ourselves on all of IPv4", "[server]\nlisten = [\"0.0.0.0:8086\"]\nsiblings = [\"mmsh://[::1]:8086\",\n" +
		"\"mmsh://localhost:8086\", \"mmsh://127.0.0.1:8086\"]\n",
		`pump.toml:4: server.siblings[1]: "mmsh://localhost:8086", is this server itself, want others` + "\n" +
			`pump.toml:4: server.siblings[2]: "mmsh://127.0.0.1:8086", is this server itself, want others`},
	{"ourselves on one address", "[server]\nlisten = [\"192.0.2.7:80\"]\nsiblings = [\"mmsh://192.0.2.7\"]\n",
		`pump.toml:3: server.siblings[0]: "mmsh://192.0.2.7", is this server itself, want others`},
}

func TestBadAdmission(t *testing.T) { testBad(t, badAdmission) }

func TestSiblingIsThisMachine(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	testBad(t, []badConfig{{"by its name", "[server]\nsiblings = [\"mmsh://" + name + ":8086\"]\n",
		`pump.toml:2: server.siblings[0]: "mmsh://` + name + `:8086", is this server itself, want others`}})
}

func TestGoodAdmission(t *testing.T) {
	for _, text := range []string{
		"max_viewers = 1\nmax_per_ip = 1\nmax_session = \"10s\"\nready_headroom = 1",
		"uplink = \"auto\"\nuplink_reserve = \"0%\"\nrelay_share = \"99.99%\"",
		"uplink = \"20 Mbit\"\nmax_bandwidth = \"1.5Gbit\"\nmax_session = \"30m\"",
		"siblings = [\"mmsh://127.0.0.1:8087\", \"http://127.0.0.1\", \"mmshs://[2001:db8::1]\", \"https://c.example/\"]",
		"max_bandwidth = \"300kbit\"\n" + stream300 + "max_bandwidth = \"300kbit\"\nmax_viewers = 1",
		"max_bandwidth = \"100kbit\"\n" + stream300 + "enabled = false",
	} {
		if _, err := Parse([]byte("[server]\n"+text), "pump.toml"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestBandwidth(t *testing.T) {
	for _, c := range []struct {
		text, print string
		want        Bandwidth
	}{
		{"", "", 0},
		{"1bit", "1bit", 1},
		{"300kbit", "300kbit", 300e3},
		{"20Mbit", "20Mbit", 20e6},
		{"20 Mbit", "20Mbit", 20e6},
		{"1.5Gbit", "1500Mbit", 1.5e9},
		{"1000kbit", "1Mbit", 1e6},
		{"0.0015kbit", "2bit", 2},
		{"1000Gbit", "1000Gbit", 1e12},
	} {
		var b Bandwidth
		if err := b.UnmarshalText([]byte(c.text)); err != nil || b != c.want || b.String() != c.print {
			t.Errorf("%q: got %d (%s), %v, want %d (%s)", c.text, b, b, err, c.want, c.print)
		}
	}
	for _, text := range []string{"0", "20", "20M", "20mbit", "20MBit", "20Mbit/s", "20Mbps", "+1Mbit", "1e3kbit",
		"NaNkbit", "1.2.3Mbit", ".Mbit", "1_0Mbit", "1  Mbit", "0x1Mbit", "1001Gbit", "0.4bit", " 1Mbit"} {
		var b Bandwidth
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		text, print string
		of          int64 // 20,000,001
	}{
		{"0%", "0%", 0},
		{"5%", "5%", 1_000_000},
		{"12.5%", "12.5%", 2_500_000},
		{"99.99%", "99.99%", 19_998_000},
	} {
		var s Share
		if err := s.UnmarshalText([]byte(c.text)); err != nil || s.String() != c.print || s.Of(20_000_001) != c.of {
			t.Errorf("%q: got %s, %d, %v, want %s, %d", c.text, s, s.Of(20_000_001), err, c.print, c.of)
		}
	}
	if n := Share(2500).Of(1 << 62); n != 1<<60 {
		t.Errorf("a quarter of 2^62 is %d", n)
	}
	for _, text := range []string{"", "%", "5", "100%", "99.999%", "-1%", "1e1%", "5 %", "NaN%"} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %s", text, s)
		}
	}
}

func TestUplink(t *testing.T) {
	for _, c := range []struct {
		text string
		want Uplink
	}{{"", Uplink{}}, {"auto", Uplink{Auto: true}}, {"20Mbit", Uplink{Rate: 20e6}}} {
		got := Uplink{Auto: true, Rate: 1}
		if err := got.UnmarshalText([]byte(c.text)); err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%q: got %+v (%s), %v", c.text, got, got, err)
		}
	}
}
