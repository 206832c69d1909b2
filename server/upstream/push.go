package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"pumpd/codec"
	"pumpd/server/auth"
)

// A Pusher announces pushes to one server as an encoder does (push.md §2), through redirects and challenges. One
// goroutine owns it.
type Pusher struct {
	client *Client
	to     *Address
	login  auth.Login // what the server has asked for so far
}

// NewPusher is for pushes to a server of the configuration.
func (c *Client) NewPusher(to *Address) *Pusher {
	p := &Pusher{client: c, to: to}
	p.forget()
	return p
}

func (p *Pusher) forget() { p.login = auth.Login{User: p.to.user, Password: p.to.password} }

// NoPushID asks for a new one.
const NoPushID = "0"

// ErrNoPush is an answer to a setup of what takes no pushes. Encoders look for the same.
var ErrNoPush = errors.New("not a server that takes pushes")

// SetUp connects and announces a push with a push-id; path is the Via of the stream. On the connection that it gives,
// which the caller closes and the end of ctx closes too, Start may follow. Errors are those of Visit.Ask, and
// ErrNoPush.
func (p *Pusher) SetUp(ctx context.Context, id, path string) (*Push, PushReply, error) {
	v := &Visit{client: p.client, at: p.to, login: p.login, pushes: true}
	for {
		c, reply, again, err := v.setUp(ctx, id, path)
		if err == nil && again {
			c.Close()
			continue
		}
		if v.at == p.to {
			p.login = v.login
		}
		if err == nil && reply.Closes {
			c.Close()
			c, err = v.connect(ctx, path)
		}
		if err != nil {
			p.forget() // who has begun anew does not know what it has asked for
			return nil, PushReply{}, err
		}
		return c, reply, nil
	}
}

// connect dials where the way has led to so far.
func (v *Visit) connect(ctx context.Context, path string) (*Push, error) {
	l, err := v.client.Dialer.dial(ctx, v.at, v.least)
	if err != nil {
		return nil, err
	}
	c := &Push{link: l, to: v.at, path: path, in: newWindow(l, maxReplyHead)}
	limitUnsent(c.socket())
	c.release = context.AfterFunc(ctx, func() { c.socket().Close() })
	return c, nil
}

// setUp sends a setup on a new connection and judges the answer. There is a connection unless there is an error.
func (v *Visit) setUp(ctx context.Context, id, path string) (c *Push, reply PushReply, again bool, err error) {
	if c, err = v.connect(ctx, path); err != nil {
		return nil, reply, false, err
	}
	r, err := c.ask(id, v.login.Field("POST", v.at.target), v.client.Stall())
	if err == nil {
		again, err = v.judge(ctx, &Answer{link: c.link, reply: r})
	}
	if err == nil && !again {
		if reply = newPushReply(r); !reply.Accepted() {
			err = reply.Err()
		}
		reply.ID = cmp.Or(reply.ID, id)
	}
	if err != nil {
		c.Close()
	}
	return c, reply, again, err
}

// ask sends a setup and waits for the answer for so long at most.
func (c *Push) ask(id, authorization string, patience time.Duration) (*reply, error) {
	const body = "AutoDestroy: 0\r\n" // what is there over there stays
	c.link.SetDeadline(time.Now().Add(patience))
	defer c.link.SetDeadline(time.Time{})
	head := c.appendRequest(nil, "pushsetup", id, int64(len(body)), authorization)
	if _, err := c.Write(append(head, body...)); err != nil {
		return nil, err
	}
	return c.next()
}

// A Push is a connection on which a server takes a push. Start and Write are one goroutine's, Reply is another's; the
// rest is any's.
type Push struct {
	link    *link
	to      *Address
	path    string
	release func() bool           // ends the watch over the context
	in      *window               // Reply's
	written atomic.Int64          // bytes, without TLS
	aborted atomic.Pointer[int64] // what was acknowledged then; nil: it was not
}

// A PushReply is what a server answers to a setup or to a body that is complete; to one that is not, it means the end.
type PushReply struct {
	Status int
	Reason string
	ID     string // push-id; "": it gives none
	Closes bool   // the connection takes no other request
	After  time.Duration

	// Of a pump: the send time, in ms, of the last packet that it has of the push.
	Has   uint32
	Knows bool // there is such

	server string
}

func newPushReply(r *reply) PushReply {
	return PushReply{Status: r.status, Reason: r.reason, ID: r.pushID, Closes: r.closes, After: retryAfter(r.retryAfter),
		Has: r.pushTime, Knows: r.timed, server: r.server}
}

// Accepted says that it is a success, and of a server that knows what it says.
func (r PushReply) Accepted() bool {
	ours := strings.HasPrefix(r.server, "Cougar/") || strings.HasPrefix(r.server, "Rex/")
	return (r.Status == http.StatusOK || r.Status == http.StatusNoContent) && ours
}

// Err is the reply as the end of a push.
func (r PushReply) Err() error {
	if r.Status == http.StatusOK || r.Status == http.StatusNoContent {
		return fmt.Errorf("%w: %d of Server %.80q", ErrNoPush, r.Status, r.server)
	}
	return &StatusError{Status: r.Status, Reason: r.Reason, After: r.After}
}

// ByProxy says that an HTTP proxy reads the requests, so that bodies are to be short (push.md §3).
func (c *Push) ByProxy() bool { return c.link.proxy != nil }

// Secure says that what is written goes into TLS records: of each Write one, or more if it is longer than MaxRecord.
func (c *Push) Secure() bool { return c.link.wire != nil }

// MaxRecord is the most that a TLS record holds, bytes.
const MaxRecord = 16 << 10

// Start begins a body of that length, of the push with that id.
func (c *Push) Start(id string, length int64) error {
	_, err := c.Write(c.appendRequest(nil, "pushstart", id, length, ""))
	return err
}

// Write sends bytes of the body.
func (c *Push) Write(b []byte) (int, error) {
	n, err := c.link.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// Written is how many bytes TCP was given, those of TLS included.
func (c *Push) Written() int64 {
	if c.link.wire != nil {
		return c.link.wire.written.Load()
	}
	return c.written.Load()
}

// Acknowledged is how many of these bytes the other end has said that it has, by TCP's own count. It is never too much.
func (c *Push) Acknowledged() int64 {
	if at := c.aborted.Load(); at != nil {
		return *at
	}
	n := c.Written() // first: what is written in between is not acknowledged
	return n - int64(unacknowledged(c.socket()))
}

func (c *Push) socket() net.Conn {
	if c.link.wire != nil {
		return c.link.wire.Conn
	}
	return c.link.Conn
}

// Reply waits for the next answer. Any error is final.
func (c *Push) Reply() (PushReply, error) {
	r, err := c.next()
	if err != nil {
		return PushReply{}, err
	}
	return newPushReply(r), nil
}

// maxPushBody is how long an answer to a push may be, bytes. Behind one without a length nothing more can come.
const maxPushBody = 64 << 10

// next reads an answer, and its body away.
func (c *Push) next() (*reply, error) {
	for range maxInterim {
		r, err := nextReply(c.in)
		if err != nil {
			return nil, fmt.Errorf("reply: %w", err)
		}
		if r.status < firstFinalReply {
			continue
		}
		switch {
		case r.status == http.StatusNoContent:
		case r.chunked || r.length < 0 || r.length > maxPushBody:
			r.closes = true
		default:
			if err := c.in.skip(r.length); err != nil {
				r.closes = true
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("reply: more than %d interim ones", maxInterim)
}

// skip passes n bytes, and waits for them.
func (w *window) skip(n int64) error {
	for {
		have := min(n, int64(len(w.bytes())))
		w.use(int(have))
		if n -= have; n == 0 {
			return nil
		}
		if err := w.fill(); err != nil {
			return err
		}
	}
}

// Close ends the connection; what was written still goes out.
func (c *Push) Close() {
	c.release()
	c.link.Close()
}

// Abort ends the connection, and what was written and has not left goes nowhere. Any goroutine.
func (c *Push) Abort() {
	at := c.Acknowledged()
	c.aborted.CompareAndSwap(nil, &at)
	if t, ok := c.socket().(interface{ SetLinger(int) error }); ok {
		_ = t.SetLinger(0)
	}
	c.socket().Close()
}

// encoder is what we claim to be: the value is the one of [MS-WMHTTP]'s example.
const encoder = "WMEncoder/11.0.5721.5145"

// appendRequest writes the head of a PushSetup or PushStart.
func (c *Push) appendRequest(b []byte, kind, id string, length int64, authorization string) []byte {
	target := c.to.target
	if c.link.proxy != nil {
		target = c.to.absolute()
	}
	b = codec.AppendRequestLine(b, "POST", target, 1)
	b = codec.AppendField(b, "Content-Type", "application/x-wms-"+kind)
	b = codec.AppendField(b, "X-Accept-Authentication", "Digest")
	b = codec.AppendField(b, "User-Agent", encoder)
	b = codec.AppendField(b, "Host", c.to.host)
	b = codec.AppendIntField(b, "Content-Length", length)
	b = codec.AppendField(b, "Connection", "Keep-Alive")
	b = codec.AppendField(b, "Cache-Control", "no-cache")
	b = codec.AppendField(b, "Cookie", "push-id="+id)
	b = codec.AppendField(b, "Via", c.path)
	if authorization != "" {
		b = codec.AppendField(b, "Authorization", authorization)
	}
	if c.link.proxy != nil {
		b = c.link.proxy.appendAuthorization(b, "POST", target)
	}
	return append(b, "\r\n"...)
}

// longestRetry is how long at most a Retry-After is believed.
const longestRetry = 10 * time.Minute

// retryAfter reads a Retry-After of seconds; a date counts as none, for clocks differ.
func retryAfter(field string) time.Duration {
	n, err := strconv.ParseUint(field, 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestRetry)
}
