package pull

import (
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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/logging/logtest"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
	"pumpd/server/upstream/upstreamtest"
	"pumpd/server/via"
)

// What these tests are full of.
var (
	dataFrame    = upstreamtest.DataFrame
	swap         = upstreamtest.Swap
	chunks       = upstreamtest.Chunks
	header320    = upstreamtest.Header
	header640    = upstreamtest.OtherHeader
	packet1      = upstreamtest.One
	packet2      = upstreamtest.Two
	framedHeader = upstreamtest.FramedHeader
	framed1      = upstreamtest.FramedOne
	framed2      = upstreamtest.FramedTwo
	longEnd      = upstreamtest.LongEnd
)

// A scene is a network of scripted upstreams around one puller. It lives in a synctest bubble: time is not real, and no
// test here waits.
type scene struct {
	t      *testing.T
	st     *stream.Stream
	reg    *stream.Registry
	puller *puller
	hosts  map[string]script   // by host:port
	zone   map[string][]string // by host: its addresses, one after another
	first  *stream.Element     // of the chain
	log    *logtest.Book

	calls sync.WaitGroup
	mu    sync.Mutex
	asked []string // "a.example:80 describe", in order
	times []time.Time
	dials map[string]int
	open  []net.Conn
}

// hang closes all connections.
func (s *scene) hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		c.Close()
	}
}

// A script serves one connection. When it returns the connection is closed.
type script func(c *call)

// A call is a request that an upstream got.
type call struct {
	net.Conn
	n    int // of the connection to this host, from 1
	play bool
	head string
}

func (c *call) say(parts ...[]byte) {
	for _, p := range parts {
		if _, err := c.Write(p); err != nil {
			return
		}
	}
}

// hold keeps the connection open until the puller closes it.
func (c *call) hold() { io.Copy(io.Discard, c) }

// newScene has a stream that pulls from these URLs.
func newScene(t *testing.T, urls ...string) *scene { return newSceneOf(t, config.Stream{URLs: urls}) }

func newSceneOf(t *testing.T, cfg config.Stream) *scene {
	s := &scene{t: t, log: &logtest.Book{},
		hosts: map[string]script{}, zone: map[string][]string{}, dials: map[string]int{}}
	cfg.Path, cfg.Type = "x", config.TypePull
	s.st, s.reg = streamtest.New(t, cfg, streamtest.Options{Log: slog.New(s.log), Bell: func() {
		if s.first == nil {
			s.first = s.st.Joins().Start
		}
	}})
	p, err := newPuller(s.st, config.Default, via.NewName())
	if err != nil {
		t.Fatal(err)
	}
	p.random = func() float64 { return 0.5 }
	p.Dialer.Connect = s.connect
	t.Cleanup(s.calls.Wait)
	s.puller = p
	return s
}

// once runs the puller until something goes wrong, and returns what.
func (s *scene) once() (err error) {
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	s.log.OnWarning = func(e error) {
		err = e
		stop()
	}
	s.puller.run(ctx)
	s.log.OnWarning = nil
	return err
}

// connect is for hosts at public addresses, but for those that say others, or have some in zone.
func (s *scene) connect(_ context.Context, addr string, allow func(netip.Addr) error) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.address(addr)
	if err := allow(at); err != nil {
		return nil, err
	}
	s.dials[addr]++
	serve := s.hosts[addr]
	if serve == nil {
		s.asked = append(s.asked, addr+" refused")
		s.times = append(s.times, time.Now())
		return nil, syscall.ECONNREFUSED
	}
	ours, theirs := net.Pipe()
	c := &call{Conn: theirs, n: s.dials[addr]}
	s.open = append(s.open, theirs)
	s.calls.Go(func() { s.serve(c, addr, serve) })
	return placed{ours, net.TCPAddrFromAddrPort(netip.AddrPortFrom(at, 80))}, nil
}

// address is what a host is looked up as this time.
func (s *scene) address(addr string) netip.Addr {
	host, _, _ := net.SplitHostPort(addr)
	if at, err := netip.ParseAddr(host); err == nil {
		return at
	}
	if list := s.zone[host]; len(list) > 0 {
		if len(list) > 1 {
			s.zone[host] = list[1:]
		}
		return netip.MustParseAddr(list[0])
	}
	return netip.MustParseAddr("192.0.2.1")
}

// A placed is a connection with an address at its other end.
type placed struct {
	net.Conn
	at net.Addr
}

func (p placed) RemoteAddr() net.Addr { return p.at }

func (s *scene) serve(c *call, addr string, serve script) {
	defer c.Close()
	var r codec.Request
	var head []byte
	for buf := make([]byte, 4096); ; {
		n, err := c.Read(buf)
		head = append(head, buf[:n]...)
		if _, err := codec.ParseRequest(head, len(buf), &r); err == nil {
			break
		}
		if err != nil {
			return
		}
	}
	c.play, c.head = r.Pragma.Play == 1, string(head)
	s.mu.Lock()
	s.asked = append(s.asked, addr+map[bool]string{false: " describe", true: " play"}[c.play])
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	serve(c)
}

// requests are what was asked so far.
func (s *scene) requests() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// change replaces an upstream while the puller runs.
func (s *scene) change(addr string, serve script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[addr] = serve
}

// pauses are the times between the requests so far, since the one numbered from.
func (s *scene) pauses(from int) (list []time.Duration) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := from + 1; i < len(s.times); i++ {
		list = append(list, s.times[i].Sub(s.times[i-1]))
	}
	return list
}

// seen are the headers (h) and packets in the stream's chain so far.
func (s *scene) seen() string {
	synctest.Wait()
	var list []string
	for _, e := range streamtest.Elements(s.first) {
		switch e.Kind() {
		case stream.HeaderElement:
			list = append(list, "h")
		case stream.PacketElement:
			list = append(list, fmt.Sprint(asftest.Number(e.Full())))
		case stream.EndElement:
			list = append(list, "end")
		}
	}
	return strings.Join(list, " ")
}

const (
	wmsDescribe = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nPragma: no-cache, client-id=77, " +
		"features=\"broadcast\"\r\n" +
		"Content-Type: application/vnd.ms.wms-hdr.asfv1\r\nContent-Length: %d\r\n\r\n%s"
	wmsPlay  = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nContent-Type: application/x-mms-framed\r\n\r\n"
	vlcReply = "HTTP/1.0 200 OK\r\nContent-type: application/octet-stream\r\nServer: Cougar 4.1.0.3921\r\n" +
		"Pragma: no-cache\r\n" +
		"Pragma: client-id=1234\r\nPragma: features=\"broadcast\"\r\n\r\n"
	ffmpegReply = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// wms serves as Windows Media does; after the packets comes then.
func wms(packets [][]byte, then func(c *call)) script {
	return func(c *call) {
		if !c.play {
			c.say(fmt.Appendf(nil, wmsDescribe, len(framedHeader), framedHeader))
			return
		}
		c.say([]byte(wmsPlay), framedHeader)
		c.say(packets...)
		then(c)
	}
}

// end, reset and silence are what may come after the packets.
func orderlyEnd(c *call) { c.say(codec.AppendReason(nil, 'E', 0)) }
func longEndOf(c *call)  { c.say(longEnd) }
func noEnd(*call)        {}

// One visit to an upstream: what is asked, what reaches the stream, and what is said about the end.
func TestPull(t *testing.T) {
	const a, b = "a.example:80", "b.example:8086"
	packets := [][]byte{framed1, framed2}
	redirect := func(status int, to string) script {
		return func(c *call) {
			c.say(fmt.Appendf(nil, "HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, to))
		}
	}
	for _, tt := range []struct {
		name  string
		url   string
		hosts map[string]script
		asked []string
		seen  string
		err   string
	}{
		{
			name: "Windows Media", hosts: map[string]script{a: wms(packets, orderlyEnd)},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "upstream has ended the stream",
		},
		{
			name: "connection lost", hosts: map[string]script{a: wms(packets, noEnd)},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "EOF",
		},
		{
			name: "lost inside a packet", hosts: map[string]script{a: wms(packets, func(c *call) { c.say(framed1[:50]) })},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "unexpected EOF",
		},
		{
			name: "VLC", hosts: map[string]script{a: func(c *call) {
				c.say([]byte(vlcReply), framedHeader)
				if c.play {
					c.say(dataFrame('D', 4711, 0, packet1), framed2, longEnd)
				}
			}},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "upstream has ended the stream",
		},
		{
			name: "FFmpeg plays on Describe, once", hosts: map[string]script{a: func(c *call) {
				if c.n == 1 {
					c.say([]byte(ffmpegReply), chunks(slices.Concat(framedHeader, framed1), 100)[:450])
					time.Sleep(10 * time.Second) // a slow stream
					c.say(chunks(slices.Concat(framedHeader, framed1), 100)[450:])
				}
			}},
			asked: []string{a + " describe"}, seen: "h 1", err: "EOF",
		},
		{
			name: "plays on Describe without chunks", hosts: map[string]script{a: func(c *call) {
				c.say([]byte(wmsPlay), framedHeader, framed1, framed2, codec.AppendReason(nil, 'E', 0))
			}},
			asked: []string{a + " describe"}, seen: "h 1 2", err: "upstream has ended the stream",
		},
		{
			name: "forgets to end its Describe", hosts: map[string]script{a: func(c *call) {
				c.say([]byte(vlcReply), framedHeader)
				if c.play {
					c.say(framed1)
					return
				}
				c.hold()
			}},
			asked: []string{a + " describe", a + " play"}, seen: "h 1", err: "EOF",
		},
		{
			name: "keeps a Describe of known length open", hosts: map[string]script{a: func(c *call) {
				wms(packets, noEnd)(c)
				if !c.play {
					c.hold()
				}
			}},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "EOF",
		},
		{
			name: "new header on the way", hosts: map[string]script{a: wms(packets, func(c *call) {
				c.say(codec.AppendReason(nil, 'C', 0), dataFrame('H', 0, 0x0C, header640),
					dataFrame('D', 0, 0, asftest.Packet(3, 80, true, 200, 60)))
			})},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2 h 3", err: "EOF",
		},
		{
			name: "same header on the way", hosts: map[string]script{a: wms(packets, func(c *call) {
				c.say(framedHeader, dataFrame('D', 0, 0, asftest.Packet(3, 80, true, 200, 60)))
			})},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2 3", err: "EOF",
		},
		{
			name: "redirected", hosts: map[string]script{a: redirect(302, "mmsh://"+b+"/y"), b: wms(packets, orderlyEnd)},
			asked: []string{a + " describe", b + " describe", b + " play"}, seen: "h 1 2", err: "upstream has ended the stream",
		},
		{
			name: "redirected at Play", hosts: map[string]script{a: func(c *call) {
				if c.play {
					redirect(307, "http://"+b+"/y")(c)
					return
				}
				wms(nil, nil)(c)
			}, b: wms(packets, orderlyEnd)},
			asked: []string{a + " describe", a + " play", b + " play"}, seen: "h 1 2", err: "upstream has ended the stream",
		},
		{
			name: "redirected for ever", hosts: map[string]script{a: redirect(301, "/again")},
			asked: slices.Repeat([]string{a + " describe"}, 6), err: "redirects: more than 5",
		},
		{
			name: "redirected to something else", hosts: map[string]script{a: redirect(302, "rtsp://b.example/")},
			asked: []string{a + " describe"}, err: `scheme "rtsp"`,
		},
		{
			name: "to use a proxy", hosts: map[string]script{a: redirect(305, "http://b.example/")},
			asked: []string{a + " describe"}, err: "upstream answers 305",
		},
		{
			name: "Digest", url: "mmsh://zweiter:a%3Ab%20%22c%5Cd%22@a.example/x",
			hosts: map[string]script{a: authorised(wms(packets, orderlyEnd))},
			asked: []string{a + " describe", a + " describe", a + " play"}, seen: "h 1 2", err: "upstream has ended the stream",
		},
		{
			name: "wrong password", url: "mmsh://zweiter:x@a.example/x",
			hosts: map[string]script{a: authorised(wms(packets, orderlyEnd))},
			asked: []string{a + " describe", a + " describe"}, err: "upstream refuses the credentials",
		},
		{
			name: "no password", hosts: map[string]script{a: authorised(wms(packets, orderlyEnd))},
			asked: []string{a + " describe"}, err: "upstream wants credentials",
		},
		{
			name: "nobody there", asked: []string{a + " refused"}, err: "connection refused",
		},
		{
			name: "not up", hosts: map[string]script{a: func(c *call) {
				c.say([]byte("HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n"))
			}},
			asked: []string{a + " describe"}, err: `upstream answers 503 "Service Unavailable"`,
		},
		{
			name: "a web page", hosts: map[string]script{a: func(c *call) {
				c.say([]byte("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"))
			}},
			asked: []string{a + " describe"}, err: `not MMSH, ASF or a playlist, Content-Type is "text/html"`,
		},
		{
			name: "hangs up without a word", hosts: map[string]script{a: func(*call) {}},
			asked: []string{a + " describe"}, err: "unexpected EOF",
		},
		{
			name: "describes nothing", hosts: map[string]script{a: func(c *call) { c.say([]byte(vlcReply)) }},
			asked: []string{a + " describe"}, err: "describe: EOF",
		},
		{
			name: "describes an end", hosts: map[string]script{a: func(c *call) { c.say([]byte(vlcReply), longEnd) }},
			asked: []string{a + " describe"}, err: "describe: upstream has ended the stream before a header",
		},
		{
			name: "describes a broken header", hosts: map[string]script{a: func(c *call) {
				c.say([]byte(vlcReply), dataFrame('H', 0, 0x0C, swap(header320, 46, 3)))
			}},
			asked: []string{a + " describe"}, err: "describe: header",
		},
		{
			name:  "broken packets without end",
			hosts: map[string]script{a: wms(slices.Repeat([][]byte{dataFrame('D', 0, 0, []byte("junk"))}, 1000), noEnd)},
			asked: []string{a + " describe", a + " play"}, seen: "", err: "too many bad packets",
		},
		{
			name: "says nothing", hosts: map[string]script{a: (*call).hold},
			asked: []string{a + " describe"}, err: "timeout",
		},
		{
			name: "falls silent", hosts: map[string]script{a: wms(packets, (*call).hold)},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "no packet for 15s",
		},
		{
			name: "only filler", hosts: map[string]script{a: wms(packets, func(c *call) {
				for range 100 {
					time.Sleep(time.Second)
					c.say(codec.AppendFrame(nil, 'F', nil))
				}
			})},
			asked: []string{a + " describe", a + " play"}, seen: "h 1 2", err: "no packet for 15s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.url == "" {
					tt.url = "mmsh://a.example/x"
				}
				s := newScene(t, tt.url)
				s.hosts = tt.hosts
				err := s.once()
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("ended with %v, want %q", err, tt.err)
				}
				if got := s.requests(); !slices.Equal(got, tt.asked) {
					t.Errorf("asked %q, want %q", got, tt.asked)
				}
				if got := s.seen(); got != tt.seen {
					t.Errorf("stream got %q, want %q", got, tt.seen)
				}
				if s.st.Writer() != nil {
					t.Error("claim is still held")
				}
			})
		})
	}
}

// authorised lets only those through who prove that they are zweiter.
func authorised(serve script) script {
	known, err := auth.ParseUsers([]auth.Secret{"zweiter:a:b \"c\\d\""})
	if err != nil {
		panic(err)
	}
	client := netip.MustParseAddr("192.0.2.99")
	var spent auth.Nonces
	return func(c *call) {
		path := codec.PathOf([]byte(strings.Fields(c.head)[1]))
		_, after, _ := strings.Cut(c.head, "Authorization: ")
		field, _, _ := strings.Cut(after, "\r\n")
		asks := auth.Proof{Method: []byte("GET"), Path: path, Authorization: []byte(field), From: client}
		if _, v := known.Check(asks, spent.Spend, time.Now()); v != auth.Right {
			offers := known.Challenge(nil, client, v == auth.Stale, time.Now())
			c.say(fmt.Appendf(nil, "HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: %s\r\n\r\n", offers[0]))
			return
		}
		serve(c)
	}
}

// A Play names the session that Describe opened, and both say who we are.
func TestPullRequestsBelongTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "mmsh://a.example/x")
		var heads []string
		serve := wms([][]byte{framed1}, orderlyEnd)
		s.hosts["a.example:80"] = func(c *call) {
			heads = append(heads, c.head)
			serve(c)
		}
		s.once()
		s.requests()
		if len(heads) != 2 || !strings.Contains(heads[1], "client-id=77\r\n") {
			t.Errorf("requests %q, want a Play with client-id 77", heads)
		}
		for _, h := range heads {
			if !strings.Contains(h, "\r\nVia: 1.0 "+string(s.puller.Name)+"\r\n") {
				t.Errorf("request %q does not say who asks", h)
			}
		}
	})
}

func TestPullRefusesItself(t *testing.T) {
	for _, reply := range []string{
		"200 OK\r\nVia: 1.0 pumpd-other, 1.0 %s\r\n\r\n",
		"200 OK\r\nVia: 1.0 pumpd-other\r\nServer: Rex/9.0\r\nvia: 1.1 proxy, 1.0 %s\r\n\r\n",
		"403 Forbidden\r\nVia: 1.0 %s\r\n\r\n", // directly
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, "mmsh://a.example/x")
			s.hosts["a.example:80"] = func(c *call) {
				c.say(fmt.Appendf(nil, "HTTP/1.0 "+reply, string(s.puller.Name)), framedHeader, framed1)
			}
			if err := s.once(); !errors.Is(err, via.ErrLoop) {
				t.Errorf("%q: %v, want %v", reply, err, via.ErrLoop)
			}
			if got := s.seen(); got != "" {
				t.Errorf("%q: stream got %q from itself", reply, got)
			}
		})
	}
}

// A stream that somebody else feeds is left alone.
func TestPullBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "mmsh://a.example/x")
		s.hosts["a.example:80"] = wms([][]byte{framed1}, (*call).hold)
		other, err := s.st.Claim(stream.Claim{Kind: stream.File, Who: "other"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.once(); !errors.Is(err, stream.ErrBusy) {
			t.Errorf("%v, want %v", err, stream.ErrBusy)
		}
		if s.st.Writer() != other {
			t.Error("the other has lost its claim")
		}
	})
}

// Where an upstream has said that it is over viewers wait for less.
func TestPullGoneForGood(t *testing.T) {
	for name, then := range map[string]func(*call){"with $E": orderlyEnd, "with VLC's": longEndOf, "without": noEnd} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, "mmsh://a.example/x")
			gone := false
			s.hosts["a.example:80"] = func(c *call) {
				switch {
				case gone:
				case c.play:
					gone = true
					fallthrough
				default:
					wms([][]byte{framed1}, then)(c)
				}
			}
			stop := s.start()
			for _, c := range []struct {
				pass time.Duration
				over bool
			}{{5*time.Second - time.Second, false}, {2 * time.Second, name != "without"}, {30 * time.Second, true}} {
				time.Sleep(c.pass)
				synctest.Wait()
				s.reg.Reap(s.st.Clock().Now())
				if over := s.st.State() == stream.Idle; over != c.over {
					t.Errorf("%s: state %v, want over: %v", name, s.st.State(), c.over)
				}
			}
			stop()
		})
	}
}

// start runs the puller for as long as the test does, or until stop.
func (s *scene) start() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.puller.run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// An upstream that goes away and comes back, $E or not, orphans the stream and does not end it; packets go on.
func TestPullComesBack(t *testing.T) {
	for name, then := range map[string]func(*call){"with $E": orderlyEnd, "with VLC's": longEndOf, "without": noEnd} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, "mmsh://a.example/x")
				served := uint32(0)
				s.hosts["a.example:80"] = func(c *call) {
					if c.play {
						served++
					}
					wms([][]byte{dataFrame('D', 0, 0, asftest.Packet(served, served*1000, true, 200, 60))}, func(c *call) {
						time.Sleep(5 * time.Second)
						then(c)
					})(c)
				}
				stop := s.start()
				time.Sleep(5*time.Second + 100*time.Millisecond)
				synctest.Wait()
				if got := s.st.State(); got != stream.Orphaned {
					t.Errorf("state %v when the upstream is gone, want orphaned", got)
				}
				time.Sleep(400 * time.Millisecond)
				if got := s.seen(); got != "h 1 2" {
					t.Errorf("stream got %q half a second later, want %q", got, "h 1 2")
				}
				if got := s.st.State(); got != stream.Live {
					t.Errorf("state %v, want live", got)
				}
				stop()
				if got := s.seen(); got != "h 1 2 end" {
					t.Errorf("stream got %q when stopped, want %q", got, "h 1 2 end")
				}
			})
		})
	}
}

// Attempts that fail come at growing distances, the first in less than a second, and never more than 30 s apart; after
// an upstream that was good it all begins anew.
func TestPullBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const host = "a.example:80"
		s := newScene(t, "mmsh://a.example/x")
		absent := func(c *call) { c.say([]byte("HTTP/1.0 503 Service Unavailable\r\n\r\n")) }
		good := wms([][]byte{framed1}, func(c *call) {
			time.Sleep(goodRun)
			c.say(framed2)
			s.change(host, absent)
		})
		s.change(host, absent)
		stop := s.start()
		time.Sleep(10 * time.Minute)
		pauses := s.pauses(0)
		s.grows(pauses)
		if n := len(pauses); n < 600/30 || n > 600/15+10 {
			t.Errorf("%d attempts in 10 minutes", n)
		}
		s.change(host, good)
		time.Sleep(2 * clock.Backoff(100, 0))
		after := s.pauses(len(pauses) + 1) // from the Describe that was answered on
		if len(after) < 3 || after[0] != 0 {
			t.Fatalf("pauses when it was good %v", after)
		}
		after[1] -= goodRun // from its Play to the next attempt
		s.grows(after[1:])
		stop()
	})
}

// grows checks the pauses after the first failures.
func (s *scene) grows(pauses []time.Duration) {
	s.t.Helper()
	for i, pause := range pauses {
		if longest := clock.Backoff(i+1, 0); pause > longest || pause < longest/2 {
			s.t.Errorf("pause %d is %v, want %v to %v", i+1, pause, longest/2, longest)
		}
	}
	if pauses[0] >= time.Second {
		s.t.Errorf("first pause %v, want less than a second", pauses[0])
	}
}

// With several upstreams the next one is asked at once, the first again when the one that played is gone.
func TestPullFailsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "mmsh://a.example/x", "mmsh://b.example/x", "mmsh://c.example/x")
		s.hosts["b.example:80"] = func(c *call) { c.say([]byte("HTTP/1.0 404 Not Found\r\n\r\n")) }
		w := newShow()
		s.hosts["c.example:80"] = w.relay(relay{burst: 2 * time.Second, away: []span{{10 * time.Second, time.Hour}}})
		stop := s.start()
		want := []string{"a.example:80 refused", "b.example:80 describe", "c.example:80 describe", "c.example:80 play"}
		if got := s.requests(); !slices.Equal(got, want) { // no time has passed
			t.Errorf("asked %q, want %q", got, want)
		}
		s.change("a.example:80", w.relay(relay{burst: 2 * time.Second}))
		time.Sleep(11 * time.Second)
		want = append(want, "a.example:80 describe", "a.example:80 play")
		if got := s.requests(); !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
		stop()
	})
}

func TestNewPullerRefuses(t *testing.T) {
	st, _ := streamtest.New(t, config.Stream{Path: "x", URL: "rtsp://a.example/"}, streamtest.Options{})
	if _, err := newPuller(st, config.Default, via.NewName()); err == nil {
		t.Error("a puller from rtsp://")
	}
	st, _ = streamtest.New(t, config.Stream{Path: "x", URL: "mmsh://a.example/"}, streamtest.Options{})
	c := config.Default()
	c.Proxy.URL = "socks5://a.example"
	if _, err := newPuller(st, func() *config.Config { return c }, via.NewName()); err == nil {
		t.Error("a puller through socks5://")
	}
}
