package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"pumpd/asf"
	"pumpd/codec"
)

// pushOptions is how an encoder behaves.
type pushOptions struct {
	length int64         // Content-Length of each PushStart
	strip  bool          // send packets without padding
	agent  string        // User-Agent
	retry  time.Duration // how long to try again after a loss; 0: never
}

// Times of an encoder's connection. The wait for an answer is ours: encoders wait for ever (push.md §5).
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 30 * time.Second
	writeTimeout  = 30 * time.Second
	retryFirst    = 250 * time.Millisecond
	retryMost     = 5 * time.Second
	maxSetups     = 6 // redirects and challenges in one setup
)

// A pusher is an encoder's connection to a push URL: setup, then as many PushStarts as Content-Length asks for.
// One goroutine uses it.
type pusher struct {
	url  *url.URL
	opt  pushOptions
	head *asf.Header // as published
	log  func(format string, args ...any)

	conn    net.Conn // nil while the connection is lost
	answers chan answer
	pushID  string // "0" before the first setup
	left    int64  // bytes of the present body still to send
	resumed bool   // this connection began without a setup
	lostAt  time.Time
	tryAt   time.Time
	pause   time.Duration
	packet  []byte
	frame   []byte
	stats   pushStats
}

// pushStats is what a push did, for its last line.
type pushStats struct {
	packets, bytes, dropped int64
	starts, losses          int
}

// An answer is what the connection's reader found.
type answer struct {
	reply *reply
	err   error
}

// A refusal is an answer that means: not like this.
type refusal struct {
	what   string
	status int
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.what, r.status, r.reason) }

func newPusher(target *url.URL, head *asf.Header, opt pushOptions, log func(string, ...any)) (*pusher, error) {
	p := &pusher{url: target, opt: opt, head: head.Published(), log: log, pushID: "0"}
	// push.md §3: three full $D, or $H and one more frame.
	least := max(3*(int64(head.PacketSize)+frameHead), int64(len(head.Raw))+2*frameHead)
	if opt.length < least {
		return nil, fmt.Errorf("content length %d, this stream needs at least %d", opt.length, least)
	}
	return p, nil
}

// open connects, sets up and begins to stream.
func (p *pusher) open(ctx context.Context) error {
	p.resumed = false
	if err := p.setup(ctx); err != nil {
		p.drop()
		return err
	}
	return p.begin(true)
}

// dial makes a connection and starts its reader.
func (p *pusher) dial(ctx context.Context) error {
	p.drop()
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", hostPort(p.url))
	if err != nil {
		return err
	}
	p.conn, p.answers = conn, make(chan answer, 8)
	go readAnswers(conn, p.answers)
	return nil
}

// readAnswers reads until the connection ends. The last answer is an error; nobody need wait for it.
func readAnswers(conn net.Conn, to chan<- answer) {
	r := bufio.NewReader(conn)
	for {
		rep, err := readReply(r)
		if err == nil && rep.closes {
			to <- answer{reply: rep}
			err = io.EOF
		} else if err == nil {
			to <- answer{reply: rep}
			continue
		}
		to <- answer{err: err}
		return
	}
}

func (p *pusher) drop() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

// await waits for the answer to a request.
func (p *pusher) await() (*reply, error) {
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case a := <-p.answers:
		return a.reply, a.err
	case <-timer.C:
		return nil, fmt.Errorf("no answer within %s", answerTimeout)
	}
}

// setup asks for a push-id. It follows redirects and answers challenges.
func (p *pusher) setup(ctx context.Context) error {
	var authorization string
	for range maxSetups {
		if p.conn == nil {
			if err := p.dial(ctx); err != nil {
				return err
			}
		}
		const body = "AutoDestroy: 1\r\n"
		if err := p.write(append(p.request("pushsetup", int64(len(body)), authorization), body...)); err != nil {
			return err
		}
		rep, err := p.await()
		if err != nil {
			return fmt.Errorf("push setup: %w", err)
		}
		if rep.closes {
			p.drop()
		}
		switch {
		case rep.status == 200 || rep.status == 204:
			return p.accepted("push setup", rep)
		case rep.status == 401 && authorization == "" && p.url.User != nil:
			password, _ := p.url.User.Password()
			authorization, err = authorize(rep.all("WWW-Authenticate"), p.url.User.Username(), password, "POST", p.url.RequestURI())
		case rep.status >= 300 && rep.status <= 305:
			authorization, err = "", p.redirect(rep)
		default:
			err = &refusal{"push setup", rep.status, rep.reason}
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("push setup: more than %d answers without success", maxSetups)
}

// accepted checks a success as encoders do and keeps the push-id.
func (p *pusher) accepted(what string, rep *reply) error {
	server := rep.field("Server")
	if !strings.HasPrefix(server, "Cougar/") && !strings.HasPrefix(server, "Rex/") {
		return fmt.Errorf("%s: Server %q (and field %q): encoders want Cougar/ or Rex/", what, server, rep.miscased("Server"))
	}
	if name := rep.miscased("Content-Length"); name != "" {
		return fmt.Errorf("%s: field %q: encoders want Content-Length in this case", what, name)
	}
	for _, cookie := range rep.all("Set-Cookie") {
		name, value, _ := strings.Cut(strings.Split(cookie, ";")[0], "=")
		if strings.TrimSpace(name) == "push-id" {
			p.pushID = strings.TrimSpace(value)
		}
	}
	if name := rep.miscased("Set-Cookie"); p.pushID == "0" && name != "" {
		return fmt.Errorf("%s: field %q: encoders want Set-Cookie in this case", what, name)
	}
	return nil
}

// redirect makes the Location of a 3xx the new target, credentials kept.
func (p *pusher) redirect(rep *reply) error {
	to, err := p.url.Parse(rep.field("Location"))
	if err != nil || rep.field("Location") == "" || to.Host == "" {
		return fmt.Errorf("push setup: %d to Location %q", rep.status, rep.field("Location"))
	}
	p.log("redirected to %s", to.Redacted())
	if to.User == nil {
		to.User = p.url.User
	}
	p.url = to
	p.drop()
	return nil
}

// request is the head of a POST. kind is pushsetup or pushstart.
func (p *pusher) request(kind string, length int64, authorization string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\n", p.url.RequestURI())
	fmt.Fprintf(&b, "Content-Type: application/x-wms-%s\r\n", kind)
	fmt.Fprintf(&b, "X-Accept-Authentication: Negotiate, NTLM, Digest\r\n")
	fmt.Fprintf(&b, "User-Agent: %s\r\nHost: %s\r\nContent-Length: %d\r\n", p.opt.agent, p.url.Host, length)
	fmt.Fprintf(&b, "Connection: Keep-Alive\r\nCache-Control: no-cache\r\nCookie: push-id=%s\r\n", p.pushID)
	if authorization != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", authorization)
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}

// begin sends a PushStart. Only the first of a connection has the header.
func (p *pusher) begin(header bool) error {
	if p.conn == nil { // the answer to the setup closed it
		if err := p.dial(context.Background()); err != nil {
			return err
		}
	}
	if err := p.write(p.request("pushstart", p.opt.length, "")); err != nil {
		return err
	}
	p.left = p.opt.length
	p.stats.starts++
	if !header {
		return nil
	}
	return p.put(codec.AppendFrame(nil, 'H', p.head.Raw))
}

// put sends one whole frame and counts it against the body.
func (p *pusher) put(frame []byte) error {
	if err := p.write(frame); err != nil {
		return err
	}
	p.left -= int64(len(frame))
	return nil
}

func (p *pusher) write(b []byte) error {
	p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := p.conn.Write(b)
	p.stats.bytes += int64(n)
	return err
}

// early gives the reason to stop in the middle of a body, nil if there is none: an answer that comes before the body is
// complete means an error (push.md §3).
func (p *pusher) early() error {
	select {
	case a := <-p.answers:
		if a.err != nil {
			return fmt.Errorf("server closed while streaming: %w", a.err)
		}
		return &refusal{"answer while streaming", a.reply.status, a.reply.reason}
	default:
		return nil
	}
}

// wrap uses up the body, waits for its 204 and starts the next one.
func (p *pusher) wrap() error {
	for _, size := range fillers(p.left) {
		if err := p.put(codec.AppendFrame(nil, 'F', make([]byte, size))); err != nil {
			return err
		}
	}
	rep, err := p.await()
	if err != nil {
		return fmt.Errorf("end of push body: %w", err)
	}
	if rep.status != 204 && rep.status != 200 {
		return &refusal{"end of push body", rep.status, rep.reason}
	}
	if err := p.accepted("end of push body", rep); err != nil {
		return err
	}
	if rep.closes {
		p.drop()
	}
	return p.begin(false)
}

// deliver sends one frame, in the present body or the next.
func (p *pusher) deliver(frame []byte) error {
	if err := p.early(); err != nil {
		return err
	}
	if p.left == 0 || !fits(p.left, len(frame)) {
		if err := p.wrap(); err != nil {
			return err
		}
	}
	return p.put(frame)
}

// send is the outlet: one ASF packet. While the connection is lost packets are dropped, as they are live.
func (p *pusher) send(packet []byte) error {
	if p.opt.strip {
		p.packet = appendStripped(p.packet[:0], packet)
		packet = p.packet
	}
	if p.conn == nil && !p.resume() {
		p.stats.dropped++
		return p.givenUp()
	}
	p.frame = codec.AppendFrame(p.frame[:0], 'D', packet)
	err := p.deliver(p.frame)
	if err != nil {
		return p.lost(err)
	}
	p.stats.packets++
	return nil
}

// lost ends a connection. The error comes back if there is no second try.
func (p *pusher) lost(err error) error {
	p.drop()
	var refused *refusal
	switch {
	case p.opt.retry == 0:
		return err
	case !errors.As(err, &refused):
	case p.resumed || refused.status >= 500:
		p.pushID = "0" // the server restarts, or does not know our session any more: set up anew
	default:
		return err
	}
	p.log("lost: %v", err)
	p.stats.losses++
	p.lostAt, p.tryAt, p.pause = time.Now(), time.Now().Add(retryFirst), retryFirst
	return nil
}

// givenUp is the error after too long a loss.
func (p *pusher) givenUp() error {
	if away := time.Since(p.lostAt); away > p.opt.retry {
		return fmt.Errorf("lost for %s, limit %s", away.Round(time.Second), p.opt.retry)
	}
	return nil
}

// resume connects again when it is time to: with the old push-id straight to PushStart, with none through a setup.
func (p *pusher) resume() bool {
	if time.Now().Before(p.tryAt) {
		return false
	}
	err := p.again()
	if err != nil {
		p.log("retry: %v", err)
		p.drop()
		p.tryAt = time.Now().Add(p.pause)
		p.pause = min(2*p.pause, retryMost)
		return false
	}
	p.log("resumed after %s", time.Since(p.lostAt).Round(time.Millisecond))
	return true
}

func (p *pusher) again() error {
	if p.pushID == "0" {
		return p.open(context.Background())
	}
	p.resumed = true
	if err := p.dial(context.Background()); err != nil {
		return err
	}
	return p.begin(true)
}

// over says that the source has ended, and closes.
func (p *pusher) over() error {
	if p.conn == nil {
		return nil
	}
	defer p.drop()
	return p.deliver(codec.AppendReason(nil, 'E', 0))
}

// hostPort is where to dial for a URL.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
