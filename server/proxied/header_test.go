package proxied

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pumpd/codec"
)

// headerV2 is a header of version 2.
func headerV2(command, family byte, body string) string {
	return string(signature) + string([]byte{command, family, byte(len(body) >> 8), byte(len(body))}) + body
}

const (
	two4 = "\xcb\x00\x71\x07\xc0\x00\x02\x01\x12\x34\x1f\x96" // 203.0.113.7:4660 to 192.0.2.1:8086
	two6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x12\x34\x1f\x96"
)

// goodHeaders feed the tests and the seeds of FuzzHeader. What is not "" is whom they name.
var goodHeaders = []struct{ name, in, want string }{
	{"version 1", "PROXY TCP4 203.0.113.7 192.0.2.1 4660 8086\r\n", "203.0.113.7:4660"},
	{"version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 4660 8086\r\n", "[2001:db8::7]:4660"},
	{"version 1, IPv4 as IPv6", "PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 4660 8086\r\n", "203.0.113.7:4660"},
	{"version 1, the longest", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff " +
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"unknown", "PROXY UNKNOWN\r\n", ""},
	{"unknown, with what is to be ignored", "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""},
	{"version 2", headerV2(0x21, 0x11, two4), "203.0.113.7:4660"},
	{"version 2, IPv6", headerV2(0x21, 0x21, two6), "[2001:db8::7]:4660"},
	{"version 2, no transport told", headerV2(0x21, 0x10, two4), "203.0.113.7:4660"},
	{"version 2 with TLVs", headerV2(0x21, 0x11, two4+"\x04\x00\x02ab\x05\x00\x01x"), "203.0.113.7:4660"},
	{"version 2 with what are no TLVs", headerV2(0x21, 0x11, two4+"\x04\xff"), "203.0.113.7:4660"},
	{"version 2, the longest", headerV2(0x21, 0x11, two4+strings.Repeat("\x04\x00\x00", 1356)), "203.0.113.7:4660"},
	{"version 2, a datagram", headerV2(0x21, 0x12, two4), ""},
	{"version 2, no family told", headerV2(0x21, 0x00, "anything"), ""},
	{"version 2, a UNIX socket", headerV2(0x21, 0x31, strings.Repeat("/", 216)), ""},
	{"local", headerV2(0x20, 0x00, ""), ""},
	{"local with addresses, which are to be ignored", headerV2(0x20, 0x11, two4), ""},
	{"local with too few of them", headerV2(0x20, 0x21, two4), ""},
}

// badHeaders are each named after the trick.
var badHeaders = []struct{ name, in, err string }{
	{"no end", "PROXY UNKNOWN" + strings.Repeat(" ", 100), "no end of line in 107 bytes"},
	{"the end is too late", "PROXY UNKNOWN" + strings.Repeat(" ", 93) + "\r\n", "no end of line in 107 bytes"},
	{"a bare LF", "PROXY TCP4 203.0.113.7 192.0.2.1 4660 8086\n" + strings.Repeat("x", 100), "no end of line"},
	{"nothing", "PROXY \r\n", "words"},
	{"no ports", "PROXY TCP4 203.0.113.7 192.0.2.1\r\n", "4 words"},
	{"one word more", "PROXY TCP4 203.0.113.7 192.0.2.1 4660 8086 1\r\n", "7 words"},
	{"two blanks", "PROXY TCP4  203.0.113.7 192.0.2.1 4660 8086\r\n", "7 words"},
	{"another family", "PROXY TCP5 203.0.113.7 192.0.2.1 4660 8086\r\n", "want TCP4"},
	{"in lower case", "PROXY tcp4 203.0.113.7 192.0.2.1 4660 8086\r\n", "want TCP4"},
	{"IPv6 as IPv4", "PROXY TCP4 ::1 192.0.2.1 4660 8086\r\n", "want TCP4"},
	{"IPv4 as IPv6", "PROXY TCP6 203.0.113.7 2001:db8::1 4660 8086\r\n", "want TCP4"},
	{"a name", "PROXY TCP4 localhost 192.0.2.1 4660 8086\r\n", "want TCP4"},
	{"a zone", "PROXY TCP6 fe80::1%eth0 2001:db8::1 4660 8086\r\n", "want TCP4"},
	{"a network", "PROXY TCP4 203.0.113.0/24 192.0.2.1 4660 8086\r\n", "want TCP4"},
	{"our address is none", "PROXY TCP4 203.0.113.7 us 4660 8086\r\n", "want TCP4"},
	{"port too large", "PROXY TCP4 203.0.113.7 192.0.2.1 65536 8086\r\n", "want TCP4"},
	{"port below zero", "PROXY TCP4 203.0.113.7 192.0.2.1 -1 8086\r\n", "want TCP4"},
	{"our port is none", "PROXY TCP4 203.0.113.7 192.0.2.1 4660 x\r\n", "want TCP4"},
	{"version 3", headerV2(0x31, 0x11, two4), "0x31"},
	{"another command", headerV2(0x22, 0x11, two4), "0x22"},
	{"another family in version 2", headerV2(0x21, 0x41, two4), "0x41"},
	{"another transport", headerV2(0x21, 0x13, two4), "0x13"},
	{"too few addresses", headerV2(0x21, 0x11, two4[:11]), "27 bytes, addresses of family 1 need 28"},
	{"too few addresses, IPv6", headerV2(0x21, 0x21, two4), "28 bytes, addresses of family 2 need 52"},
	{"too few addresses, UNIX", headerV2(0x21, 0x31, two4), "28 bytes, addresses of family 3 need 232"},
	{"too long by one byte", headerV2(0x21, 0x11, two4+strings.Repeat("x", 4069)), "4097 bytes, limit 4096"},
	{"as long as can be", headerV2(0x21, 0x11, strings.Repeat("\xff", 65535)), "65551 bytes, limit 4096"},
}

func TestParseHeader(t *testing.T) {
	const after = "GET / HTTP/1.0\r\n\r\n"
	for _, c := range goodHeaders {
		client, n, err := ParseHeader([]byte(c.in + after))
		if err != nil || n != len(c.in) || show(client) != c.want {
			t.Errorf("%s: %v, %d, %v, want %s, %d", c.name, client, n, err, c.want, len(c.in))
		}
		for i := range len(c.in) {
			if _, _, err := ParseHeader([]byte(c.in[:i])); err != codec.ErrShort {
				t.Errorf("%s, %d bytes: %v, want ErrShort", c.name, i, err)
			}
		}
	}
}

func TestParseBadHeader(t *testing.T) {
	for _, c := range badHeaders {
		client, n, err := ParseHeader([]byte(c.in))
		if err == nil || errors.Is(err, ErrNone) || errors.Is(err, codec.ErrShort) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
		if client.IsValid() || n != 0 {
			t.Errorf("%s: %v and %d with an error", c.name, client, n)
		}
		if err != nil && len(err.Error()) > 250 {
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
	}
}

// What begins otherwise is nobody's header, and is known as soon as it differs.
func TestNoHeader(t *testing.T) {
	for _, in := range []string{
		"G", "GET / HTTP/1.0\r\n\r\n", "POST", "PROX\n", "PROXY\n", "proxy TCP4", "\n", "\r\nGET", "\r\n\r\n\x01",
		"\r\n\r\n\x00\r\nQUIT\r",
		"\x16\x03\x01", "\x01\x00\x00\x00\xce\xfa\x0b\xb0",
	} {
		if _, n, err := ParseHeader([]byte(in)); err != ErrNone || n != 0 {
			t.Errorf("%q: %d, %v, want ErrNone", in, n, err)
		}
	}
	for _, in := range []string{"", "P", "PROXY", "PROXY ", "\r", "\r\n\r\n", "\r\n\r\n\x00\r\nQUIT\n"} {
		if _, _, err := ParseHeader([]byte(in)); err != codec.ErrShort {
			t.Errorf("%q: %v, want ErrShort", in, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	for _, c := range goodHeaders {
		f.Add([]byte(c.in))
	}
	for _, c := range badHeaders {
		f.Add([]byte(c.in))
	}
	for _, b := range captures(f, "header", headerCaptures) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		client, n, err := ParseHeader(b)
		switch {
		case err == nil && (n <= 0 || n > min(len(b), MaxHeader)):
			t.Errorf("%d of %d bytes, limit %d", n, len(b), MaxHeader)
		case err != nil && (n != 0 || client != netip.AddrPort{}):
			t.Errorf("%v and %d with %v", client, n, err)
		case errors.Is(err, codec.ErrShort) && len(b) >= MaxHeader:
			t.Errorf("more is wanted behind %d bytes", len(b))
		}
		if a := client.Addr(); a.Zone() != "" || a.Is4In6() {
			t.Errorf("address %v", a)
		}
		// It is the same however it comes.
		for i := range min(len(b), 300) {
			early, k, problem := ParseHeader(b[:i])
			if errors.Is(problem, codec.ErrShort) {
				continue
			}
			if early != client || k != n || !reflect.DeepEqual(problem, err) {
				t.Fatalf("%d of %d bytes: %v, %d, %v, all of them: %v, %d, %v", i, len(b), early, k, problem, client, n, err)
			}
			break
		}
	})
}
