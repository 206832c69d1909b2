package config

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestForwards(t *testing.T) {
	table := func(listen, keys string) string {
		return fmt.Sprintf("[server]\nlisten = [%s]\n%s%s\n", listen, pushTable, keys) // keys begin on line 6
	}
	plain := func(keys string) string { return table(`":8086"`, keys) }
	own := func(host string) string { return fmt.Sprintf("forward = [\"http://%s:8086/streams/b_push\"]", host) }
	nine := strings.TrimSuffix(strings.Repeat(`"http://a.example/x", `, 9), ", ")
	for _, tt := range []struct{ name, text, want string }{
		{"two", plain(`forward = ["http://a.example/x", "https://u:p@b.example:8089/x"]`), ""},
		{"another port of this machine", plain(`forward = ["http://127.0.0.1:9000/x"]`), ""},
		{"another address of this machine", table(`"127.0.0.2:8086"`, own("127.0.0.1")), ""},
		{"keys", plain("forward = []\nforward_buffer = \"0s\"\nforward_lag = \"1s\""), ""},
		{"scheme", plain(`forward = ["mmsh://a.example/x"]`),
			`6: streams[0].forward[0]: "mmsh://a.example/x", want a URL that begins with http://, https://`},
		{"no host", plain(`forward = ["http:///x"]`), `6: streams[0].forward[0]: "http:///x", want a host`},
		{"secret", plain(`forward = ["http://u:hush@"]`), `6: streams[0].forward[0]: "http://…@", want a host`},
		{"twice", plain(`forward = ["http://a.example/x", "http://a.example/x"]`),
			`forward[1]: "http://a.example/x", already`},
		{"too many", plain("forward = [" + nine + "]"), "6: streams[0].forward: 9 URLs, want up to 8"},
		{"oneself by loopback", plain(own("127.0.0.1")),
			`forward[0]: "http://127.0.0.1:8086/streams/b_push", this pump itself listens on ":8086"`},
		{"oneself by name", plain(own("LocalHost")), "this pump itself"},
		{"oneself by the machine's name", plain(own(hostname(t))), "this pump itself"},
		{"oneself by another loopback address", plain(own("127.3.3.3")), "this pump itself"},
		{"oneself by IPv6", plain(own("[::1]")), "this pump itself"},
		{"oneself by nothing", plain(own("0.0.0.0")), "this pump itself"},
		{"oneself by an own address", plain(own(ownAddress(t))), "this pump itself"},
		{"oneself by the listener's own", table(`"192.0.2.1:8086"`, own("192.0.2.1")), "this pump itself"},
		{"oneself at the usual port", table(`":80"`, `forward = ["http://localhost/streams/b_push"]`), "this pump itself"},
		{"buffer", plain(`forward_buffer = "6m"`), "6: streams[0].forward_buffer: 360s, want 0s to 300s"},
		{"lag", plain(`forward_lag = "11m"`), "6: streams[0].forward_lag: 660s, want 1s to 600s"},
		{"buffer above the lag", plain(`forward_buffer = "400s"`), "6: streams[0].forward_buffer: 400s, want 0s to 300s"},
		{"lag below the buffer", plain(`forward_lag = "20s"`),
			"6: streams[0].forward_lag: 20s, must not be less than forward_buffer, 30s"},
		{"no CA", plain(`forward_ca_file = "none.pem"`), "6: streams[0].forward_ca_file: "},
		{"fingerprint", plain(`forward_fingerprints = ["12"]`), "6: streams[0].forward_fingerprints[0]: "},
		{"fingerprint without TLS", plain("forward = [\"http://a/\"]\nforward_fingerprints = [\"" + somePrint + "\"]"),
			"7: streams[0].forward_fingerprints: no forward of this stream speaks TLS, want https://"},
		{"good fingerprint", plain("forward = [\"https://a/\"]\nforward_fingerprints = [\"" + somePrint + "\"]"), ""},
		{"on demand", pullOf + "on_demand = true\nforward = [\"http://b/\"]",
			"6: streams[0].forward: on_demand is on line 5, want one of the two"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text), "pump.toml")
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%v, want none", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "hush"):
				t.Errorf("%v shows a secret", err)
			}
		})
	}
}

func hostname(t *testing.T) string {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// ownAddress is one of this machine's, by preference none of loopback. It is the oldest one: those of interfaces that
// other tests make come and go behind it.
func ownAddress(t *testing.T) string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, ok := a.(*net.IPNet); ok && p.IP.To4() != nil && !p.IP.IsLoopback() {
			return p.IP.String()
		}
	}
	return "127.0.0.1"
}
