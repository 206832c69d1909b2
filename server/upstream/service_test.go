package upstream

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"pumpd/server/upstream/upstreamtest"
)

func TestParseService(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want Address
		text string
	}{
		{"srv:_mmsh._tcp.example.org/path", Address{name: "example.org", target: "/path", service: "_mmsh._tcp.example.org"},
			"srv:_mmsh._tcp.example.org/path"},
		{"srv:_mmshs._tcp.Example.org", Address{secure: true, name: "example.org", target: "/",
			service: "_mmshs._tcp.example.org"}, "srv:_mmshs._tcp.example.org/"},
		{"srv:_HTTPS._TCP.a/?b", Address{secure: true, name: "a", target: "/?b", service: "_https._tcp.a"},
			"srv:_https._tcp.a/?…"},
		{"srv:u:p%40@_mms._tcp.a.b/c", Address{name: "a.b", target: "/c", service: "_mms._tcp.a.b", user: "u",
			password: "p@"}, "srv:_mms._tcp.a.b/c"},
	} {
		got, err := Parse(tt.raw)
		if err != nil || *got != tt.want || got.String() != tt.text {
			t.Errorf("%s: %+v %v, %v; want %+v %s", tt.raw, got, got, err, tt.want, tt.text)
		}
	}
	for _, raw := range []string{"srv:", "srv:/x", "srv:_mmsh/x", "srv:_mmsh._tcp/x", "srv:_mmsh._tcp./x",
		"srv:mmsh._tcp.a/x", "srv:_mmsh._udp.a/x",
		"srv:_ftp._tcp.a/x", "srv:_._tcp.a/x", "srv:_mmsh._tcp.a:80/x", "srv:_mmsh._tcp.1.2.3.4.5/x",
		"srv:_mmsh._tcp.a/x?a b", "srv:_mmsh._tcp.a b/x", "srv:%zz"} {
		if got, err := Parse(raw); err == nil {
			t.Errorf("%s: %+v, want an error", raw, got)
		}
	}
}

func TestLocate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		places []string
		want   []string // nil is an error
	}{
		{"in order", []string{"b.example.:81", "a.example.:80"}, []string{"b.example:81", "a.example:80"}},
		{"no such service", []string{".:0"}, nil},
		{"none", nil, nil},
		{"one that cannot be", []string{"a b.:80", "a.example.:0", "1.2.3.4.5.:80", "a.example.:80"},
			[]string{"a.example:80"}},
		{"too many", slices.Repeat([]string{"a.example.:80"}, 100), slices.Repeat([]string{"a.example:80"}, maxServers)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up, err := Parse("srv:u:p@_mmsh._tcp.example.org/x")
			if err != nil {
				t.Fatal(err)
			}
			list, err := up.locate(t.Context(), upstreamtest.Service(tt.places...))
			var got []string
			for _, to := range list {
				got = append(got, to.addr)
				if to.host != to.addr || to.name != "example.org" || to.target != "/x" || to.user != "u" || to.service != "" {
					t.Errorf("%+v, want all the rest of the URL", *to)
				}
			}
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// What the standard resolver makes of records: priorities in order, weights at random. Its DNS server is this test.
func TestServicePriorityAndWeight(t *testing.T) {
	records := []net.SRV{
		{Target: "last.example.", Port: 3, Priority: 20, Weight: 100},
		{Target: "heavy.example.", Port: 1, Priority: 10, Weight: 60000},
		{Target: "light.example.", Port: 2, Priority: 10, Weight: 1},
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go answerSRV(theirs, records)
		return ours, nil
	}}
	up, err := Parse("srv:_mmsh._tcp.example.org/x")
	if err != nil {
		t.Fatal(err)
	}
	heavy := 0
	for range 20 {
		list, err := up.locate(t.Context(), resolver.LookupSRV)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 3 || list[2].addr != "last.example:3" {
			t.Fatalf("%d places, want three and the one of the lower priority last", len(list))
		}
		if list[0].addr == "heavy.example:1" {
			heavy++
		}
	}
	if heavy < 15 {
		t.Errorf("of weights 60000 and 1 the first went first %d times out of 20", heavy)
	}
}

// answerSRV is a DNS server on a stream, for one question (RFC 1035 4, RFC 2782).
func answerSRV(c net.Conn, records []net.SRV) {
	defer c.Close()
	be := binary.BigEndian
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return
	}
	q := make([]byte, be.Uint16(length[:]))
	if _, err := io.ReadFull(c, q); err != nil {
		return
	}
	end := 12
	for q[end] != 0 {
		end += 1 + int(q[end])
	}
	end += 5
	a := append([]byte{q[0], q[1], 0x84, 0, 0, 1, 0, byte(len(records)), 0, 0, 0, 0}, q[12:end]...)
	for _, r := range records {
		name := []byte{}
		for label := range strings.SplitSeq(r.Target, ".") {
			name = append(append(name, byte(len(label))), label...)
		}
		a = append(a, 0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60)
		a = be.AppendUint16(a, uint16(6+len(name)))
		a = be.AppendUint16(a, r.Priority)
		a = be.AppendUint16(a, r.Weight)
		a = be.AppendUint16(a, r.Port)
		a = append(a, name...)
	}
	c.Write(append(be.AppendUint16(nil, uint16(len(a))), a...))
}
