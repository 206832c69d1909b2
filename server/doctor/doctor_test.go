package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/codec"
)

func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	r := examine(t, good())
	if len(r.Findings) > 0 || len(r.Clients) != len(framedClients)+len(rawClients) {
		t.Errorf("findings %+v, played by %v", r.Findings, r.Clients)
	}
	if !strings.HasPrefix(r.Stream, "video 320x240; declares 300 kbit/s") {
		t.Errorf("stream: %q", r.Stream)
	}
}

// A stream whose beginning is late is played as any other.
func TestLateHeader(t *testing.T) {
	t.Parallel()
	s := good()
	s.lateHeader = true
	r := examine(t, s)
	if len(r.Findings) > 0 || len(r.Clients) != len(framedClients)+len(rawClients) {
		t.Errorf("findings %+v, played by %v", r.Findings, r.Clients)
	}
}

// A pump that has nothing to send is not said to be full.
func TestAdviceWithoutASource(t *testing.T) {
	t.Parallel()
	for said, full := range map[string]bool{"nothing is sent to this stream at present\n": false, "busy\n": true} {
		s := good()
		s.status, s.said = "503 Service Unavailable", said
		r := examine(t, s)
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return strings.Contains(f.Text, strings.TrimSpace(said)) })
		if i < 0 || strings.Contains(r.Findings[i].Advice, "full") != full {
			t.Errorf("%q: %+v", said, r.Findings)
		}
	}
}

// Each case is a server with one fault, and what is said of it.
func TestFaults(t *testing.T) {
	longPhrase := []string{"GStreamer (libmms)", "xine"}
	for _, c := range []struct {
		name    string
		with    func(s *script)
		kind    string
		clients []string // nil: all
		text    string   // in the finding's
	}{
		{"not there", func(s *script) { s.status = "404 Not Found" }, "status", nil, "answer 404"},
		{"full", func(s *script) { s.status = "503 Service Unavailable" }, "status", nil, "answer 503"},
		{
			"large header", func(s *script) { s.header = asftest.HeaderOf(12000) }, "header", []string{"xine"},
			"12000 bytes, it has room for 8192",
		},
		{
			"huge header", func(s *script) { s.header = asftest.HeaderOf(20000) }, "header", []string{"GStreamer (libmms)"},
			"20000 bytes, it has room for 16384",
		},
		{"no phrase", func(s *script) { s.status = "200 " }, "fields", longPhrase, "no reason phrase"},
		{
			"foreign server", func(s *script) { s.fields = strings.Replace(goodFields, "Rex/9.0.0.2980", "nginx", 1) }, "fields",
			[]string{"Windows Media Player"}, `Server is "nginx"`,
		},
		{
			"no pragma", func(s *script) { s.fields = "Server: Rex/9.0.0.2980\r\n" }, "fields",
			[]string{"Windows Media Player"}, "no client-id",
		},
		{"type of text", func(s *script) { s.media = "text/plain" }, "fields", []string{"MPlayer"}, `"text/plain"`},
		{
			"open connection", func(s *script) { s.open = true }, "open", []string{"GStreamer (libmms)", "VLC", "xine"},
			"stays open",
		},
		{
			"chunks", func(s *script) { s.chunked = true }, "chunked",
			[]string{"GStreamer (libmms)", "MPlayer", "VLC", "xine"}, "in chunks",
		},
		{
			"a page", func(s *script) { s.describe = []byte("<html>no stream here</html>") }, "content", mmsh(),
			"no Windows Media",
		},
		{"silence", func(s *script) { s.silent = true }, "silent", nil, "and then nothing"},
		{
			"a packet behind the header", func(s *script) { s.behind = codec.AppendReason(nil, 'E', 0) }, "frames",
			[]string{"GStreamer (libmms)", "MPlayer"}, "a $E follows",
		},
		{
			"a proxy", func(s *script) { s.fields = goodFields + "Via: 1.1 cache.example\r\n" }, "proxy", nil, "cache.example",
		},
		{
			"the B bit", func(s *script) {
				s.describe = codec.AppendHeader(nil, s.header)
				s.describe[0] |= 0x80
			}, "frames", []string{"FFmpeg", "GStreamer (libmms)", "VLC", "xine"}, "B bit",
		},
		{
			"pieces", func(s *script) { s.describe = inPieces(s.header) }, "frames", []string{"FFmpeg"},
			"several $H",
		},
		{"a header that is none", func(s *script) { s.describe = codec.AppendHeader(nil, make([]byte, 100)) }, "content",
			mmsh(), "the header is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := good()
			c.with(s)
			r := examine(t, s)
			i := slices.IndexFunc(r.Findings, func(f Finding) bool {
				return f.Kind == c.kind && strings.Contains(f.Text, c.text)
			})
			if i < 0 {
				t.Fatalf("no %s with %q: %+v", c.kind, c.text, r.Findings)
			}
			if got := r.Findings[i].Clients; !slices.Equal(got, c.clients) {
				t.Errorf("for %v, want %v", got, c.clients)
			}
			for _, f := range r.Findings {
				if f.Kind != c.kind {
					t.Errorf("and %+v", f)
				}
			}
		})
	}
}

// A server that is busy is late with the end of its answers; that is none of its faults.
func TestLateEnd(t *testing.T) {
	t.Parallel()
	s := good()
	s.lateEnd = true
	if r := examine(t, s); len(r.Findings) > 0 {
		t.Errorf("%+v", r.Findings)
	}
}

// mmsh are the names of those who play by MMSH.
func mmsh() (names []string) {
	for _, c := range framedClients {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

// inPieces is a header in two $H, as Windows Media Services sends long ones.
func inPieces(header []byte) (b []byte) {
	for i, part := range [][]byte{header[:100], header[100:]} {
		body := make([]byte, 8, 8+len(part))
		body[5] = []byte{0x04, 0x08}[i]
		n := 8 + len(part)
		body[6], body[7] = byte(n), byte(n>>8)
		b = codec.AppendFrame(b, 'H', append(body, part...))
	}
	return b
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	to := good().serve(t)
	away := good()
	away.check = func(*http.Request) (string, string) {
		return "302 Found", "Location: http://" + to + "/streams/x\r\n"
	}
	r := examine(t, away)
	want := []string{"FFmpeg", "FFmpeg (http)", "VLC (http)", "Windows Media Player"}
	if !slices.Equal(r.Clients, want) {
		t.Errorf("followed by %v, want %v", r.Clients, want)
	}
	var lost []string
	for _, f := range r.Findings {
		if f.Kind != "redirect" || !strings.Contains(f.Text, "answer 302 sends it to http://"+to) {
			t.Errorf("%+v", f)
		}
		lost = append(lost, f.Clients...)
	}
	slices.Sort(lost)
	if want := []string{"GStreamer (libmms)", "MPlayer", "VLC", "xine"}; !slices.Equal(lost, want) {
		t.Errorf("not by %v, want %v", lost, want)
	}
}

func TestRedirectInACircle(t *testing.T) {
	t.Parallel()
	s := good()
	s.check = func(*http.Request) (string, string) { return "302 Found", "Location: /streams/x\r\n" }
	r := examineURL(t, "http://"+s.serve(t)+"/streams/x", patient)
	if len(r.Clients) > 0 || r.Worst() != Fault || !strings.Contains(r.Text(), "more than 5 redirects") {
		t.Error(r.Text())
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	s := good()
	s.check = func(r *http.Request) (string, string) {
		if _, password, ok := r.BasicAuth(); ok && password == "right" {
			return "", ""
		}
		return "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n"
	}
	addr := s.serve(t)
	for _, c := range []struct {
		user  string
		plays int
		text  string
	}{
		{"", 0, "a password is asked for"},
		{"me:wrong@", 0, "the password is not accepted"},
		{"me:right@", 4, "there is no way to give it one"},
	} {
		r := examineURL(t, "mmsh://"+c.user+addr+"/streams/x", patient)
		text := r.Text()
		if len(r.Clients) != c.plays || !strings.Contains(text, c.text) || strings.Contains(text, "right@") {
			t.Errorf("%q: %s", c.user, text)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	r := examineURL(t, "mmsh://"+deafAddr(t)+"/x", patient)
	if len(r.Findings) != 1 || r.Findings[0].Kind != "unreachable" || !strings.Contains(r.Text(), "nobody listens") {
		t.Errorf("%+v", r.Findings)
	}
}

// deafAddr is of a socket that does not listen: nobody else gets its port meanwhile.
func deafAddr(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)
}

// A name that DNS knows nothing of, or does not answer for, is no matter of the pump's.
func TestNoSuchName(t *testing.T) {
	for _, c := range []struct {
		err  net.DNSError
		want string
	}{
		{net.DNSError{Err: "no such host", IsNotFound: true}, "x.example: there is no host of that name"},
		{net.DNSError{Err: "i/o timeout", IsTimeout: true}, "x.example: the name cannot be looked up: i/o timeout"},
		{net.DNSError{Err: "server misbehaving"}, "x.example: the name cannot be looked up: server misbehaving"},
	} {
		err := plainly(&net.OpError{Op: "dial", Net: "tcp", Err: &c.err}, endpoint{name: "x.example"}, patient)
		if _, ok := errors.AsType[*nameError](err); !ok || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.err, err, c.want)
		}
	}
}

func TestBadURL(t *testing.T) {
	for _, url := range []string{"", "x", "rtsp://host/x", "mmsh://", "mmsh://u:secret@/x"} {
		if _, err := Examine(t.Context(), Options{URL: url}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// seen is a reception of packets that come so many ms after the first, each with its send time.
func seen(t *testing.T, packets ...[3]uint32) *reception {
	t.Helper()
	h, err := asf.ParseHeader(asftest.Header(asftest.PacketSize, 320))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w := &reception{header: h, asked: began}
	for i, p := range packets {
		b := asftest.Packet(uint32(i), p[1], p[2] != 0, asftest.PacketSize, 60)
		w.located(uint32(i))
		w.packet(b, began.Add(time.Duration(p[0])*time.Millisecond))
	}
	return w
}

// steady is a stream of so many seconds, four packets in each, after a burst of five.
func steady(seconds int, change func(i int, p *[3]uint32)) (list [][3]uint32) {
	for i := range seconds * 4 {
		p := [3]uint32{uint32(max(0, i-20) * 250), uint32(i * 250), 0}
		if i%16 == 0 {
			p[2] = 1
		}
		if change != nil {
			change(i, &p)
		}
		list = append(list, p)
	}
	return list
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets [][3]uint32
		change  func(w *reception)
		kind    string
	}{
		{"all is well", steady(20, nil), nil, ""},
		{"no key frame", steady(20, func(_ int, p *[3]uint32) { p[2] = 0 }), nil, "keyframes"},
		{"one key frame", steady(20, func(i int, p *[3]uint32) { p[2] = uint32(max(0, 1-i)) }), nil, "keyframes"},
		{"key frame late", steady(20, func(i int, p *[3]uint32) {
			p[2] = 0
			if i%16 == 15 {
				p[2] = 1
			}
		}), nil, "keyframes"},
		{"clock ahead", steady(20, func(i int, p *[3]uint32) { p[1] += uint32(i/40) * 60_000 }), nil, "clock"},
		{"clock back", steady(20, func(i int, p *[3]uint32) { p[1] += 60_000 - uint32(i/40)*3000 }), nil, "clock"},
		{"clock wraps", steady(20, func(_ int, p *[3]uint32) { p[1] -= 9000 }), nil, ""},
		{"heaps", steady(20, func(_ int, p *[3]uint32) { p[0] = p[0] / 3000 * 3000 }), nil, "bursts"},
		{"a pause", steady(20, func(i int, p *[3]uint32) {
			if i > 40 {
				p[0] += 3000
				p[1] += 3000
			}
		}), nil, ""},
		{"slow", steady(20, func(i int, p *[3]uint32) { p[0] = uint32(i * 600) }), nil, "slow"},
		{"never full", steady(20, func(i int, p *[3]uint32) {
			p[0], p[1] = uint32(i*500), uint32(i*30)
		}), func(w *reception) {
			w.join = w.last // no time for others
		}, "slow"},
		{"more than declared", steady(20, nil), func(w *reception) { w.bytes = 2_000_000 }, "bitrate"},
		{"missing", steady(20, nil), func(w *reception) { w.located(w.next + 5) }, "gaps"},
		{"damaged", steady(20, nil), func(w *reception) { w.packet(make([]byte, asftest.PacketSize), w.at) }, "gaps"},
		{"two pictures", steady(20, nil), func(w *reception) {
			h := *w.header
			h.Streams = append(slices.Clone(h.Streams), asf.Stream{Number: 2, Kind: asf.Video, Bitrate: 100_000})
			w.header = &h
		}, "videos"},
		{"protected", steady(20, nil), func(w *reception) {
			h := *w.header
			h.Streams = []asf.Stream{{Number: 1, Kind: asf.Video, Encrypted: true}}
			w.header = &h
		}, "protected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := seen(t, c.packets...)
			if c.change != nil {
				c.change(w)
			}
			var kinds []string
			for _, f := range w.judge() {
				kinds = append(kinds, f.Kind)
			}
			if want := strings.Fields(c.kind); !slices.Equal(kinds, want) {
				t.Errorf("%v, want %v: %s", kinds, want, w)
			}
		})
	}
}
