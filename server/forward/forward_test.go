package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/logging/logtest"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
	"pumpd/server/view"
)

// A scene is a stream, its forward, and the server to which that goes, by a script. It lives in a synctest bubble: time
// is not real, and no test here waits.
type scene struct {
	t      *testing.T
	st     *stream.Stream
	source *stream.Source
	f      *forward
	log    *logtest.Book
	next   uint32 // packet of the source
	script func(c *call)
	calls  sync.WaitGroup
	dials  []time.Time
}

const (
	testURL = "http://user:secret@a.example/streams/x_push"
	gop     = 10 // packets from one key frame to the next
	beat    = 40 * time.Millisecond
)

func newScene(t *testing.T, script func(c *call)) *scene {
	return newSceneOf(t, config.Default(), config.Stream{ForwardBuffer: config.Duration(30 * time.Second),
		ForwardLag: config.Duration(60 * time.Second)}, script)
}

func newSceneOf(t *testing.T, c *config.Config, cfg config.Stream, script func(c *call)) *scene {
	s := &scene{t: t, log: &logtest.Book{}, script: script}
	cfg.Path, cfg.Type, cfg.Forward = "x", config.TypePush, []string{testURL}
	s.st, _ = streamtest.New(t, cfg, streamtest.Options{Log: slog.New(s.log)})
	all, err := newForwards(s.st, c, "pumpd-0123456789abcdef", s.connect)
	if err != nil {
		t.Fatal(err)
	}
	s.f = all[0]
	s.f.random = func() float64 { return 0.5 }
	if s.source, err = s.st.Claim(stream.Claim{Kind: stream.Push}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.calls.Wait)
	return s
}

// A call is a connection to the server. When the script returns it is closed.
type call struct {
	net.Conn
	s    *scene
	n    int // from 1
	in   []byte
	left int64 // of a body
}

var errNoDial = errors.New("connection refused")

func (s *scene) connect(_ context.Context, _ string, allow func(netip.Addr) error) (net.Conn, error) {
	s.dials = append(s.dials, time.Now())
	if s.script == nil {
		return nil, errNoDial
	}
	ours, theirs := net.Pipe()
	c := &call{Conn: theirs, s: s, n: len(s.dials)}
	s.calls.Go(func() {
		defer theirs.Close()
		s.script(c)
	})
	return ours, allow(netip.MustParseAddr("192.0.2.1"))
}

// run runs the forward until the function that it returns is called.
func (s *scene) run() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var done sync.WaitGroup
	done.Go(func() { s.f.run(ctx) })
	return func() {
		cancel()
		done.Wait()
		s.calls.Wait()
	}
}

// header and push are what the stream's source brings; push n packets, one a beat.
func (s *scene) header(width uint32) {
	s.t.Helper()
	if err := s.source.Header(asftest.Header(asftest.PacketSize, width)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) push(n int) {
	s.t.Helper()
	for range n {
		b := asftest.Packet(s.next, s.next*uint32(beat/time.Millisecond), s.next%gop == 0, asftest.PacketSize, 500)
		if err := s.source.Packet(b); err != nil {
			s.t.Fatal(err)
		}
		s.next++
		time.Sleep(beat)
	}
}

// more reads what has come; false: nothing will any more.
func (c *call) more() bool {
	b := make([]byte, 4096)
	n, err := c.Read(b)
	c.in = append(c.in, b[:n]...)
	return err == nil
}

// request reads a request's head and, of a setup, the body.
func (c *call) request() (head string, ok bool) {
	for {
		var r codec.Request
		n, err := codec.ParseRequest(c.in, 1<<14, &r)
		if err == nil {
			head = string(c.in[:n])
			if strings.Contains(head, "pushsetup") {
				n += int(r.ContentLength)
			} else {
				c.left = r.ContentLength
			}
			if len(c.in) >= n {
				c.in = c.in[n:]
				return head, true
			}
		} else if !errors.Is(err, codec.ErrShort) {
			c.s.t.Errorf("request %q: %v", c.in, err)
			return "", false
		}
		if !c.more() {
			return "", false
		}
	}
}

// frame reads a frame of a body.
func (c *call) frame() (codec.Frame, bool) {
	for {
		f, n, err := codec.ParseFrame(c.in)
		if err == nil {
			c.left -= int64(n)
			c.in = c.in[n:]
			return f, true
		}
		if !errors.Is(err, codec.ErrShort) {
			c.s.t.Errorf("frame %q: %v", c.in[:min(len(c.in), 40)], err)
			return codec.Frame{}, false
		}
		if !c.more() {
			return codec.Frame{}, false
		}
	}
}

func (c *call) say(text string) { io.WriteString(c, text) }

// accept answers with a push-id and what else there is.
func (c *call) accept(id string, more ...string) {
	c.say("HTTP/1.1 204 No Content\r\nServer: Cougar/9.01.01.3814\r\nSet-Cookie: push-id=" + id + "\r\n" +
		strings.Join(append(more, ""), "\r\n") + "Content-Length: 0\r\n\r\n")
}

// takes is a server that takes a push with a push-id until enough, which may be nil, says so of the packets that it has
// got on the connection.
func (c *call) takes(id string, got *taken, enough func(n int) bool, more ...string) {
	if _, ok := c.request(); !ok {
		return
	}
	c.accept(id, more...)
	c.body(got, enough)
}

// body takes a PushStart and what follows.
func (c *call) body(got *taken, enough func(n int) bool) {
	if _, ok := c.request(); !ok {
		return
	}
	for n := 0; ; {
		_, _, short := codec.ParseFrame(c.in)
		if enough != nil && enough(n) && short != nil { // what has come is acknowledged
			return
		}
		f, ok := c.frame()
		if !ok {
			return
		}
		if got.take(c, f); f.Type == 'D' {
			n++
		}
	}
}

// A taken is what a server has got.
type taken struct {
	kinds   string // of frames, D once for any number of them
	numbers []uint32
	header  *asf.Header
	bytes   int
}

func (g *taken) take(c *call, f codec.Frame) {
	if f.Type != 'D' || !strings.HasSuffix(g.kinds, "D") {
		g.kinds += string(f.Type)
	}
	switch f.Type {
	case 'H', 'C':
		b := f.Body
		if f.Type == 'C' {
			b = b[4:]
		}
		h, err := asf.ParseHeader(b)
		if err != nil {
			c.s.t.Error(err)
			return
		}
		g.header = h
	case 'D':
		p, err := g.header.ParsePacket(f.Body)
		if err != nil {
			c.s.t.Error(err)
			return
		}
		full := g.header.AppendFull(nil, f.Body, p)
		n := asftest.Number(full)
		want := asftest.Packet(n, n*uint32(beat/time.Millisecond), n%gop == 0, asftest.PacketSize, 500)
		if !bytes.Equal(full, want) {
			c.s.t.Errorf("packet %d is\n%x, want\n%x", n, full, want)
		}
		g.numbers = append(g.numbers, n)
		g.bytes += len(f.Body)
	}
}

func (s *scene) shows(state view.ForwardState) view.Forward {
	s.t.Helper()
	synctest.Wait()
	list := s.st.Forwards()
	if len(list) != 1 || list[0].State != state {
		s.t.Errorf("shown %+v, want one that is %v", list, state)
		return view.Forward{}
	}
	return list[0]
}

// What goes over the wire, byte for byte, and the stream from its key frame to its end.
func TestForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got taken
		var heads []string
		s := newScene(t, func(c *call) {
			for !slices.ContainsFunc(heads, func(h string) bool { return strings.Contains(h, "pushstart") }) {
				head, ok := c.request()
				if !ok {
					return
				}
				heads = append(heads, head)
				switch len(heads) {
				case 1:
					c.say("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
					return
				case 2:
					c.accept("4711")
				}
			}
			for f, ok := c.frame(); ok; f, ok = c.frame() {
				got.take(c, f)
			}
		})
		stop := s.run()
		s.shows(view.ForwardWaiting)
		s.header(320)
		s.push(25)
		synctest.Wait()
		v := s.shows(view.ForwardPushing)
		if v.Name != "http://…@a.example/streams/x_push" || v.Resent != 0 || v.Failures != 0 {
			t.Errorf("%+v", v)
		}
		s.source.End()
		time.Sleep(time.Second)
		stop()
		if got.kinds != "HDE" || !slices.Equal(got.numbers, asftest.Numbers(0, 25)) {
			t.Errorf("frames %s, packets %v", got.kinds, got.numbers)
		}
		if want := 25 * (29 + 500); got.bytes != want { // 29 without the padding's own field
			t.Errorf("%d bytes of packets, want %d without padding", got.bytes, want)
		}
		const head = "POST /streams/x_push HTTP/1.1\r\nContent-Type: application/x-wms-%s\r\n" +
			"X-Accept-Authentication: Digest\r\nUser-Agent: WMEncoder/11.0.5721.5145\r\nHost: a.example:80\r\n" +
			"Content-Length: %d\r\nConnection: Keep-Alive\r\nCache-Control: no-cache\r\nCookie: push-id=%s\r\n" +
			"Via: 1.0 pumpd-0123456789abcdef\r\n%s\r\n"
		want := []string{
			fmt.Sprintf(head, "pushsetup", 16, "0", ""),
			fmt.Sprintf(head, "pushsetup", 16, "0", "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"),
			fmt.Sprintf(head, "pushstart", 2147483647, "4711", ""),
		}
		if !slices.Equal(heads, want) {
			t.Errorf("asked\n%q, want\n%q", heads, want)
		}
		s.shows(view.ForwardWaiting)
	})
}

// A server that knows what it has is sent that packet again and then the next ones; what its TCP had does not count.
func TestResumeWhereTheServerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second taken
		s := newScene(t, nil)
		s.script = func(c *call) {
			if c.n == 1 {
				c.takes("7", &first, func(n int) bool { return n >= 30 })
				return
			}
			c.takes("7", &second, nil, fmt.Sprintf("Pragma: push-time=%d", 20*40))
		}
		stop := s.run()
		s.header(320)
		s.push(100)
		stop()
		if n := len(first.numbers); n < 30 || !slices.Equal(first.numbers, asftest.Numbers(0, uint32(n))) {
			t.Errorf("first %v", first.numbers)
		}
		want := asftest.Numbers(20, 100)[:len(second.numbers)]
		if second.kinds != "HD" || !slices.Equal(second.numbers, want) || len(want) < 70 {
			t.Errorf("%s, packets %v, want those from 20 on", second.kinds, second.numbers)
		}
		if v := s.st.Forwards()[0]; v.Reconnects != 1 || v.Resent < 10 || v.Resent > 15 || v.Skips != 0 {
			t.Errorf("%+v", v)
		}
	})
}

// One that says nothing is sent what its TCP has not acknowledged: the packet of which a part was on its way, and no
// other.
func TestResumeByAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second taken
		s := newScene(t, nil)
		s.script = func(c *call) {
			if c.n == 1 {
				c.takes("7", &first, func(n int) bool { return n >= 30 })
				io.ReadFull(c, make([]byte, 300))
				return
			}
			c.takes("7", &second, nil)
		}
		stop := s.run()
		s.header(320)
		s.push(100)
		stop()
		all := slices.Concat(first.numbers, second.numbers)
		if want := asftest.Numbers(0, 100); !slices.Equal(all, want[:len(all)]) || len(all) < 90 {
			t.Errorf("first %v, then %v", first.numbers, second.numbers)
		}
	})
}

// One that gives no push-id, as peercast-yt does, is treated no worse.
func TestNoPushID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second taken
		s := newScene(t, nil)
		s.script = func(c *call) {
			got, enough := &second, (func(int) bool)(nil)
			if c.n == 1 {
				got, enough = &first, func(n int) bool { return n >= 40 }
			}
			head, _ := c.request()
			if !strings.Contains(head, "push-id=0\r\n") {
				t.Errorf("asked %q", head)
			}
			c.say("HTTP/1.1 204 No Content\r\nServer: Cougar/9\r\n\r\n")
			c.body(got, enough)
		}
		s.header(320)
		s.push(30)
		stop := s.run()
		s.push(100)
		stop()
		all := slices.Concat(first.numbers, second.numbers)
		if want := asftest.Numbers(0, 130); !slices.Equal(all, want[:len(all)]) || len(all) < 120 {
			t.Errorf("first %v, then %v", first.numbers, second.numbers)
		}
		if v := s.st.Forwards()[0]; v.Reconnects != 1 || v.Skips != 0 {
			t.Errorf("%+v", v)
		}
	})
}

// A break that is longer than forward_buffer ends with a key frame, the newest, and meanwhile nothing is held.
func TestLongBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second taken
		s := newScene(t, nil)
		takes := func(c *call) {
			if c.n == 1 {
				c.takes("7", &first, func(n int) bool { return n >= 30 })
				s.script = nil
				return
			}
			c.takes("7", &second, nil)
		}
		s.script = takes
		stop := s.run()
		s.header(320)
		s.push(30)
		s.push(int(60 * time.Second / beat))
		synctest.Wait()
		if s.f.position.set() {
			t.Error("packets are held that are older than forward_buffer")
		}
		v := s.shows(view.ForwardFailed)
		if v.Last.Cause != "other" || v.Failures < 5 || v.Failures > 60 {
			t.Errorf("%+v", v)
		}
		s.script = takes
		s.push(int(40 * time.Second / beat))
		stop()
		if len(second.numbers) == 0 || second.numbers[0]%gop != 0 || second.numbers[0] < 1500 {
			t.Errorf("goes on with %v", second.numbers[:min(3, len(second.numbers))])
		}
		if v := s.st.Forwards()[0]; v.Skips != 1 {
			t.Errorf("%+v", v)
		}
		s.log.Has(t, "WARN forward failed", "to=http://…@a.example/streams/x_push", "closed")
		s.log.Has(t, "WARN forward failed", "connection refused")
		s.log.Has(t, "INFO forward is good again")
	})
}

// A line that is too thin for the stream gets whole stretches of it.
func TestThinLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got taken
		s := newScene(t, nil)
		s.script = func(c *call) {
			c.takes("7", &got, func(n int) bool {
				time.Sleep(beat * 5 / 4) // 80 % of what it takes
				return false
			})
		}
		stop := s.run()
		s.header(320)
		s.push(int(10 * time.Minute / beat))
		v := s.shows(view.ForwardPushing)
		stop()
		if v.Skips < 1 || v.Skips > 3 || v.Lag > 60*time.Second || v.Reconnects != 0 {
			t.Errorf("%+v", v)
		}
		for i, n := range got.numbers[1:] {
			if d := n - got.numbers[i]; d != 1 && (n%gop != 0 || d < uint32(50*time.Second/beat)) {
				t.Errorf("packet %d behind %d", n, got.numbers[i])
			}
		}
	})
}

// What a server answers that takes no push, or not this one, is told once, and it is not asked all the time.
func TestRefusals(t *testing.T) {
	answer := func(text string) func(c *call) {
		return func(c *call) {
			c.request()
			c.say(text)
		}
	}
	for _, tt := range []struct {
		name   string
		script func(c *call)
		most   int // connections in ten minutes
		cause  string
	}{
		{"nobody there", nil, 40, "other"},
		{"closes at once", func(*call) {}, 40, "other"},
		{"nonsense", answer("SSH-2.0-OpenSSH\r\n\r\n"), 40, "other"},
		{"endless nonsense", func(c *call) {
			c.request()
			for {
				if _, err := c.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, 40, "other"},
		{"a web server", answer("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"), 40, "no_push"},
		{"401 for ever", answer("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"),
			80, "login"},
		{"403", answer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), 40, "status_403"},
		{"409", answer("HTTP/1.1 409 Busy\r\nContent-Length: 0\r\n\r\n"), 40, "status_409"},
		{"503, later", answer("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"), 6, "status_503"},
		{"redirects for ever", answer("HTTP/1.1 302 There\r\nLocation: /streams/x_push\r\nContent-Length: 0\r\n\r\n"), 240,
			"other"},
		{"never answers", func(c *call) { io.Copy(io.Discard, c) }, 40, "timeout"},
		{"answers slowly", func(c *call) {
			c.request()
			for range 1000 {
				time.Sleep(time.Second)
				c.say("H")
			}
		}, 40, "timeout"},
		{"closes in the middle of the body", func(c *call) { c.takes("7", &taken{}, func(n int) bool { return n > 0 }) }, 90,
			"other"},
		{"answers in the middle of the body", func(c *call) {
			c.takes("7", &taken{}, func(n int) bool { return n > 0 })
			c.say("HTTP/1.1 204 No Content\r\nServer: Cougar/9\r\n\r\n")
		}, 40, "no_push"},
		{"another encoder takes over", func(c *call) {
			c.takes("7", &taken{}, func(n int) bool { return n > 50 })
			c.say("HTTP/1.1 409 Conflict\r\n\r\n")
		}, 40, "replaced"},
		{"takes nothing", func(c *call) {
			c.request()
			c.accept("7")
			c.request()
			time.Sleep(time.Hour)
		}, 40, "stalled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, tt.script)
				stop := s.run()
				s.header(320)
				s.push(int(10 * time.Minute / beat))
				stop()
				if n := len(s.dials); n > tt.most || n < 2 {
					t.Errorf("%d connections in ten minutes, want at most %d", n, tt.most)
				}
				if v := s.st.Forwards()[0]; v.Last.Cause != tt.cause || strings.Contains(v.Last.Text, "secret") {
					t.Errorf("%+v, want cause %q", v.Last, tt.cause)
				}
				if n := s.log.Count("WARN"); n > 12 { // once, and once a minute that it goes on
					t.Errorf("%d warnings\n%s", n, s.log.Text())
				}
			})
		})
	}
}

// Another header is announced in the middle of the body, and a body that a proxy reads is used up and followed.
func TestBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got taken
		var lengths []int64
		c := config.Default()
		c.Proxy = config.Proxy{URL: "http://proxy.example:3128", ForLocal: true}
		s := newSceneOf(t, c, config.Stream{ForwardLag: config.Duration(time.Minute)}, func(c *call) {
			c.request()
			c.accept("1")
			for {
				head, ok := c.request()
				if !ok {
					return
				}
				if !strings.HasPrefix(head, "POST http://a.example:80/streams/x_push HTTP/1.1\r\n") {
					t.Errorf("asked %q", head)
				}
				lengths = append(lengths, c.left)
				for c.left > 0 {
					f, ok := c.frame()
					if !ok {
						return
					}
					got.take(c, f)
				}
				if c.left < 0 {
					t.Errorf("%d bytes too much", -c.left)
				}
				c.accept("1")
			}
		})
		stop := s.run()
		s.header(320)
		s.push(3500)
		s.header(640)
		s.push(3500)
		stop()
		if want := asftest.Numbers(0, 7000); !slices.Equal(got.numbers, want[:len(got.numbers)]) || len(got.numbers) < 6990 {
			t.Errorf("%d packets", len(got.numbers))
		}
		if got.kinds != "HDECDFD" {
			t.Errorf("frames %s", got.kinds)
		}
		if !slices.Equal(lengths, []int64{2_250_000, 2_250_000}) { // 60 s of 300 kbit/s
			t.Errorf("bodies of %v bytes", lengths)
		}
	})
}

// However thin a stream is, what TLS puts around it is about a hundredth; and what is fast is not kept for long.
func TestPause(t *testing.T) {
	const usual, least = 100 * time.Millisecond, 10 * time.Millisecond
	for _, tt := range []struct {
		rate      float64 // bytes a second
		plain, in time.Duration
	}{
		{0, usual, usual},
		{2_000, usual, time.Second},
		{8_000, usual, 312500 * time.Microsecond}, // 2,500 bytes
		{37_500, usual, usual},
		{1_638_400, least, least},
		{1e9, least, least},
	} {
		s := speed{rate: tt.rate}
		plain, in := s.pause(false), s.pause(true)
		if plain != tt.plain || in != tt.in {
			t.Errorf("%.0f bytes/s: %v, in TLS %v; want %v and %v", tt.rate, plain, in, tt.plain, tt.in)
		}
	}
}
