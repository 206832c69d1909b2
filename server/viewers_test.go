package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/admin"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// asAdmin has something asked on another goroutine while the loop turns.
func (r *rig) asAdmin(ask func(ctx context.Context, s *Server) error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := &Server{node: r.loop.node, gate: r.loop.gate}
	done := make(chan error, 1)
	go func() { done <- ask(ctx, s) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				r.t.Fatal(err)
			}
			return
		default:
			r.turn()
		}
	}
}

// watched has n viewers of each of two streams, which have a picture, in turn from .0 on.
func (r *rig) crowdOf(n int) (peers []*peer) {
	for i := range 2 {
		src := r.source(i)
		if err := src.Header(asftest.Header(asftest.PacketSize, 320)); err != nil {
			r.t.Fatal(err)
		}
		if err := src.Packet(asftest.Packet(0, 0, true, asftest.PacketSize, 500)); err != nil {
			r.t.Fatal(err)
		}
	}
	at := netip.MustParseAddr("198.51.100.0")
	for i := range 2 * n {
		p := r.connectFrom(at)
		p.say("GET /streams/" + []string{"a", "b"}[i%2] + " HTTP/1.0\r\nUser-Agent: NSPlayer/9.0\r\n" +
			"Pragma: xPlayStrm=1\r\n\r\n")
		peers = append(peers, p)
		at = at.Next()
	}
	return peers
}

// All viewers are on one of the pages, whatever their size.
func TestViewersArePaged(t *testing.T) {
	const n = pieceOfConns // of each stream, so in three pieces with those who ask nothing
	r := newRig(t, nil, "a", "b")
	r.crowdOf(n)
	r.connect()
	for _, size := range []int{1000, 100, 7} {
		q := admin.ViewerQuery{Stream: "A", Most: size}
		var seen []admin.ViewerID
		for {
			var page []admin.Viewer
			r.asAdmin(func(ctx context.Context, s *Server) (err error) {
				page, err = s.viewers(ctx, q)
				return err
			})
			for _, v := range page {
				if v.Stream != "a" || v.Agent != "NSPlayer/9.0" || v.Dialect == "" || v.Bytes == 0 {
					t.Fatalf("got %+v", v)
				}
				seen = append(seen, v.ID)
			}
			if len(page) < size {
				break
			}
			q.After = page[size-1].ID
		}
		if len(seen) != n || len(slices.Compact(seen)) != n {
			t.Errorf("pages of %d: %d viewers, want %d, each once", size, len(seen), n)
		}
	}
}

// Who does not wait for a loop any more has nothing done by it afterwards: whatever the visitor writes to is the
// asker's.
func TestNobodyIsVisitedTooLate(t *testing.T) {
	r := newRig(t, nil, "a")
	r.connect()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	visited := 0
	visit := func(*loop, *conn, clock.Instant) bool { visited++; return true }
	if err := r.loop.node.walk(ctx, spot{}, visit); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.loop.work(r.at)
	if visited != 0 {
		t.Errorf("%d conns visited", visited)
	}
}

func TestViewersAreFound(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	peers := r.crowdOf(4)
	peers[2].room = 0
	r.pass(time.Second)
	if err := r.reg.Streams()[0].Writer().Packet(asftest.Packet(1, 40, true, asftest.PacketSize, 500)); err != nil {
		t.Fatal(err)
	}
	r.turn()
	r.pass(2 * time.Second)
	for _, c := range []struct {
		q    admin.ViewerQuery
		want []string
	}{
		{admin.ViewerQuery{}, []string{".0", ".1", ".2", ".3", ".4", ".5", ".6", ".7"}},
		{admin.ViewerQuery{Stream: "b"}, []string{".1", ".3", ".5", ".7"}},
		{admin.ViewerQuery{Network: netip.MustParsePrefix("198.51.100.4/31")}, []string{".4", ".5"}},
		{admin.ViewerQuery{Behind: true}, []string{".2"}},
		{admin.ViewerQuery{Agent: "nsPLAYER"}, []string{".0", ".1", ".2", ".3", ".4", ".5", ".6", ".7"}},
		{admin.ViewerQuery{Agent: "VLC"}, nil},
	} {
		c.q.Most = 100
		var got []string
		r.asAdmin(func(ctx context.Context, s *Server) error {
			page, err := s.viewers(ctx, c.q)
			for _, v := range page {
				a := v.From.Addr().String()
				got = append(got, a[strings.LastIndex(a, "."):])
				if behind := v.Blocked; behind != (got[len(got)-1] == ".2") {
					t.Errorf("%+v", v)
				}
			}
			return err
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
}

// ended is which of the peers have been told that their stream is over.
func (r *rig) ended(peers []*peer) (list []int) {
	for i, p := range peers {
		if p.fin {
			if s := r.read(p.body()); s.ended != 0 {
				r.t.Errorf("viewer %d: end %d, want $E(0)", i, s.ended)
			}
			list = append(list, i)
		}
	}
	return list
}

func TestKick(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	peers := r.crowdOf(4)
	kick := func(k admin.Kick) (n int) {
		r.asAdmin(func(ctx context.Context, s *Server) (err error) {
			n, err = s.kick(ctx, k)
			return err
		})
		return n
	}
	id := admin.ViewerID{FD: peers[1].conn.fd, Joined: peers[1].conn.viewer.Joined()}
	if other := (admin.ViewerID{FD: id.FD, Joined: id.Joined + 1}); kick(admin.Kick{Viewer: other}) != 0 {
		t.Error("who had the descriptor before was kicked")
	}
	if n := kick(admin.Kick{Viewer: id}); n != 1 || !slices.Equal(r.ended(peers), []int{1}) {
		t.Errorf("one: %d, %v have ended", n, r.ended(peers))
	}
	two := admin.Kick{Stream: "a", Network: netip.MustParsePrefix("198.51.100.0/30")}
	if n := kick(two); n != 2 || !slices.Equal(r.ended(peers), []int{0, 1, 2}) {
		t.Errorf("two of a stream: %d, %v have ended", n, r.ended(peers))
	}
	if n := kick(admin.Kick{Stream: "b"}); n != 3 || !slices.Equal(r.ended(peers), []int{0, 1, 2, 3, 5, 7}) {
		t.Errorf("the rest of a stream: %d, %v have ended", n, r.ended(peers))
	}
	s := &Server{node: r.loop.node}
	if _, err := s.kick(context.Background(), admin.Kick{}); err != errNobody {
		t.Errorf("everybody: %v, want %v", err, errNobody)
	}
}

// Whoever is banned goes, whatever they do, and does not come back: not after a handshake, and not by a proxy.
func TestBan(t *testing.T) {
	r := newRig(t, nil, "a", "b", "c")
	peers := r.crowdOf(2)
	encoder := r.connectFrom(netip.MustParseAddr("192.0.2.7"))
	encoder.say("POST /streams/c_push HTTP/1.0\r\nContent-Length: 2147483647\r\n\r\n" +
		string(codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320))))
	if encoder.conn.phase != feeding {
		t.Fatalf("the encoder does not feed: %s", encoder.status())
	}
	silent := r.connectFrom(netip.MustParseAddr("192.0.2.8"))
	other := r.connectFrom(netip.MustParseAddr("192.0.3.8"))
	until := time.Now().Add(time.Hour)
	ban := func(network string) (n int) {
		r.asAdmin(func(ctx context.Context, s *Server) (err error) {
			n, err = s.ban(ctx, bans.Ban{Network: netip.MustParsePrefix(network), Until: until})
			return err
		})
		return n
	}
	if n := ban("198.51.100.0/31"); n != 2 || !slices.Equal(r.ended(peers), []int{0, 1}) {
		t.Errorf("viewers: %d, %v have ended", n, r.ended(peers))
	}
	if n := ban("192.0.2.0/24"); n != 2 || !encoder.fin || !silent.fin || other.fin {
		t.Errorf("%d, encoder %v, one that says nothing %v, another network's %v", n, encoder.fin, silent.fin, other.fin)
	}
	if !r.loop.gate.bars(netip.MustParseAddr("192.0.2.7")) || r.loop.gate.bars(netip.MustParseAddr("192.0.3.7")) {
		t.Error("the gate does not know")
	}
	late := r.connectFrom(netip.MustParseAddr("192.0.2.9")) // the gate had let it in before
	r.turn()
	if !late.fin {
		t.Error("one that was in its handshake stays")
	}
	if st := r.reg.Streams()[2]; st.State() == stream.Live {
		t.Error("the encoder feeds its stream")
	}
}

// Behind a proxy that is trusted it is the client that is banned, and not the proxy.
func TestBanByAProxy(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Server.TrustedProxies = []string{"127.0.0.1"} }, "a", "b")
	r.crowdOf(1)
	proxy := netip.MustParseAddr("127.0.0.1")
	ask := func(client string) *peer {
		p := r.connectFrom(proxy)
		p.say("GET /streams/a HTTP/1.0\r\nX-Forwarded-For: " + client + "\r\n\r\n")
		return p
	}
	bad, good := ask("203.0.113.7"), ask("203.0.113.8")
	r.asAdmin(func(ctx context.Context, s *Server) error {
		_, err := s.ban(ctx, bans.Ban{Network: netip.MustParsePrefix("203.0.113.7/32"), Until: time.Now().Add(time.Hour)})
		return err
	})
	if !bad.fin || good.fin {
		t.Errorf("the client that is banned has gone: %v, another one: %v", bad.fin, good.fin)
	}
	if p := ask("203.0.113.7"); !strings.Contains(p.status(), "403") {
		t.Errorf("banned: %s, want 403", p.status())
	}
	if p := ask("203.0.113.8"); !strings.Contains(p.status(), "200") {
		t.Errorf("not banned: %s, want 200", p.status())
	}
}

// Who is banned is told so before it has asked, and a reload does not change that.
func TestBanOutlivesAReload(t *testing.T) {
	r := startReloadable(t, nil)
	ban := bans.Ban{Network: netip.MustParsePrefix("127.0.0.1/32"), Until: time.Now().Add(time.Hour)}
	if _, err := r.ban(context.Background(), ban); err != nil {
		t.Fatal(err)
	}
	r.cfg.Server.MaxLag = config.Duration(20 * time.Second)
	if _, err := r.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", r.at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.0 403 ") {
		t.Errorf("%q, %v, want 403 and the end", b, err)
	}
	if n := r.counters().Banned; n != 1 {
		t.Errorf("%d are counted, want 1", n)
	}
}
