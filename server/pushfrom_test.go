package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/logging"
)

// encoderAt is an encoder at an address.
func (r *rig) encoderAt(addr string) *encoder {
	e := r.encoder()
	e.conn.remote = netip.AddrPortFrom(netip.MustParseAddr(addr), 5)
	return e
}

// logged is what the loop's log has come to, as an operator reads it.
func (r *rig) logged() (text func() string) {
	var b bytes.Buffer
	var lost atomic.Uint64
	q := logging.New(slog.NewTextHandler(&b, nil), &lost)
	r.loop.log = q.Logger()
	return func() string {
		q.Drain()
		return b.String()
	}
}

func TestWhoMayPush(t *testing.T) {
	password := []auth.Secret{"encoder:secret"}
	for _, c := range []struct {
		users  []auth.Secret
		from   []string
		addr   string
		status string // of a setup without credentials
	}{
		{nil, nil, "127.0.0.1", "204"},
		{nil, nil, "127.8.9.10", "204"},
		{nil, nil, "::1", "204"},
		{nil, nil, "192.0.2.1", "403"},
		{nil, nil, "10.0.0.1", "403"},
		{nil, nil, "fe80::1%eth0", "403"},
		{nil, nil, "0.0.0.0", "403"},
		{nil, []string{"192.0.2.1"}, "192.0.2.1", "204"},
		{nil, []string{"192.0.2.1"}, "192.0.2.2", "403"},
		{nil, []string{"192.0.2.1"}, "127.0.0.1", "403"},
		{nil, []string{"10.0.0.0/8", "192.0.2.77/24"}, "192.0.2.2", "204"},
		{nil, []string{"::ffff:192.0.2.0/120"}, "192.0.2.2", "204"},
		{nil, []string{"0.0.0.0/0"}, "192.0.2.2", "204"},
		{nil, []string{"0.0.0.0/0"}, "2001:db8::1", "403"},
		{nil, []string{"2001:db8::/32"}, "2001:db8::1", "204"},
		{nil, []string{"fe80::/10"}, "fe80::1%eth0", "204"},
		{password, nil, "192.0.2.1", "401"},
		{password, nil, "127.0.0.1", "401"},
		{password, []string{"192.0.2.0/24"}, "192.0.2.1", "401"},
		{password, []string{"192.0.2.0/24"}, "198.51.100.1", "403"},
	} {
		t.Run(fmt.Sprint(c.users, c.from, c.addr), func(t *testing.T) {
			r := newRig(t, func(cfg *config.Config) { cfg.Streams[0].PushUsers, cfg.Streams[0].PushFrom = c.users, c.from }, "a")
			e := r.encoderAt(c.addr)
			e.post(setupType, "0", 0, "")
			if !strings.Contains(e.status(), c.status) {
				t.Errorf("setup: %q, want %s", e.status(), c.status)
			}
			e = r.encoderAt(c.addr)
			if e.post(startType, "0", endless, ""); c.status == "204" {
				e.header(320)
				if e.push(1); r.reg.Streams()[0].Writer() == nil {
					t.Errorf("a start without a setup was not let in: %q", e.got)
				}
			} else if !strings.Contains(e.status(), c.status) || !e.fin {
				t.Errorf("start without a setup: %q, FIN %v, want %s and FIN", e.status(), e.fin, c.status)
			}
		})
	}
}

// A push-id does not help at an address that may not push.
func TestPushIDFromABarredAddress(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.setUp()
	thief := r.encoderAt("198.51.100.1")
	if thief.post(startType, e.id, endless, ""); !strings.Contains(thief.status(), "403") {
		t.Errorf("%q, want 403", thief.status())
	}
}

// The log says once what an operator is to do, and later how often that was so.
func TestBarredPushesAreLogged(t *testing.T) {
	for _, c := range []struct {
		from []string
		keys string
	}{{nil, "push_users, push_from or push_certs"}, {[]string{"10.0.0.0/8"}, "see=push_from"}} {
		r := newRig(t, func(cfg *config.Config) { cfg.Streams[0].PushFrom = c.from }, "a")
		log := r.logged()
		for range 50 {
			e := r.encoder()
			if e.post(setupType, "0", 0, ""); !strings.Contains(e.status(), "403") || !strings.Contains(string(e.got),
				"Server: Cougar/") {
				t.Fatalf("%q, want 403 from Cougar", e.got)
			}
		}
		got := log()
		if strings.Count(got, "\n") != 2 || strings.Count(got, c.keys) != 2 || !strings.Contains(got, "49 more like this") {
			t.Errorf("log %q, want a line with %q and one that counts", got, c.keys)
		}
	}
}

// A place is kept for an encoder that lost its link, as long as its viewers wait.
func TestEncoderThatLostItsLinkGoesFirst(t *testing.T) {
	const stranger = "192.0.2.66"
	for _, c := range []struct {
		name       string
		change     func(*config.Config)
		ends       func(r *rig, e *encoder)
		from       string // of who comes
		hasID      bool
		after      time.Duration
		status     string
		afterGrace string
	}{
		{"stranger", nil, nil, stranger, false, 300 * time.Millisecond, "403", "204"},
		{"stranger at the end of the grace", nil, nil, stranger, false, 29 * time.Second, "403", "204"},
		{"same address", nil, nil, "192.0.2.1", false, 300 * time.Millisecond, "204", ""},
		{"same push-id from elsewhere", nil, nil, stranger, true, 300 * time.Millisecond, "204", ""},
		{"stranger while the slate plays", slated, func(r *rig, e *encoder) {
			e.hangUp()
			r.pass(4 * time.Second)
			r.slate(640).publish(1)
		}, stranger, false, 0, "403", "204"},
		{"stranger beside a silent one", slated, func(r *rig, e *encoder) { r.pass(4 * time.Second); r.turn() }, stranger,
			false, 0, "403", "204"},
		{"stranger after $E", nil, func(r *rig, e *encoder) { e.end(0) }, stranger, false, 0, "204", ""},
		{"password", func(cfg *config.Config) { cfg.Streams[0].PushUsers = []auth.Secret{"encoder:secret"} }, nil, stranger,
			false, 0, "204", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.change, "a")
			e := r.encoder()
			e.post(setupType, "0", 0, "Authorization: "+auth.BasicField("encoder", "secret")+"\r\n")
			_, after, _ := strings.Cut(string(e.got), "push-id=")
			e.id, _, _ = strings.Cut(after, "\r\n")
			e.start(endless)
			e.header(320)
			e.push(15)
			if c.ends != nil {
				c.ends(r, e)
			} else {
				e.hangUp()
			}
			r.pass(c.after)
			comes := func(want string) *encoder {
				t.Helper()
				n, id := r.encoderAt(c.from), "0"
				if c.hasID {
					id = e.id
				}
				n.post(setupType, id, 0, "Authorization: "+auth.BasicField("encoder", "secret")+"\r\n")
				if !strings.Contains(n.status(), want) {
					t.Fatalf("%q, want %s", n.status(), want)
				}
				return n
			}
			n := comes(c.status)
			if c.status == "204" {
				_, after, _ := strings.Cut(string(n.got), "push-id=")
				n.id, _, _ = strings.Cut(after, "\r\n")
				n.start(endless)
				n.header(320)
				if n.next = 20; len(n.got) > 0 || n.fin {
					t.Fatalf("its stream: %q", n.got)
				}
				if n.push(1); r.reg.Streams()[0].Writer() != n.conn.push.source {
					t.Error("it does not have the stream")
				}
			}
			if c.afterGrace != "" {
				r.pass(30 * time.Second)
				comes(c.afterGrace)
			}
		})
	}
}

// Who was let in while nobody had the stream, and waits with its header, waits for the same time.
func TestLurkerBehindALostEncoder(t *testing.T) {
	r := newRig(t, nil, "a")
	lurker := r.encoderAt("192.0.2.66")
	lurker.setUp()
	lurker.start(endless)
	e := startedPush(r)
	e.push(15)
	e.hangUp()
	r.pass(300 * time.Millisecond)
	lurker.header(640)
	if !strings.Contains(lurker.status(), "403") || !lurker.fin {
		t.Errorf("%q, FIN %v, want 403 and FIN", lurker.status(), lurker.fin)
	}
	again := startedPush(r)
	if again.push(1); len(again.got) > 0 || r.reg.Streams()[0].Writer() != again.conn.push.source {
		t.Errorf("the one that came back was told %q", again.got)
	}
}
