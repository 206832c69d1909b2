// Package push feeds a source to a server, as Windows Media Encoder does or as a source client of Icecast.
package push

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"pumpd/asf"
	"pumpd/bench/scheme"
	"pumpd/bench/source"
	"pumpd/codec"
)

// Options are how an encoder behaves.
type Options struct {
	Length int64         // Content-Length of each PushStart, bytes
	Strip  bool          // send packets without padding
	Agent  string        // User-Agent
	Retry  time.Duration // how long to try again after a loss; 0: never
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

// An encoder is an encoder's connection to a push URL: setup, then as many PushStarts as Content-Length asks for.
// One goroutine uses it.
type encoder struct {
	url  *url.URL
	opt  Options
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
	stats   Stats
}

// Stats are what a push did.
type Stats struct {
	Packets int64 // sent
	Bytes   int64 // sent, heads of requests included
	Dropped int64 // packets that came while the connection was lost
	Starts  int   // PushStarts
	Losses  int   // of the connection
}

// An answer is what the connection's reader found.
type answer struct {
	reply *reply
	err   error
}

func newEncoder(target *url.URL, head *asf.Header, opt Options, log func(string, ...any)) (*encoder, error) {
	p := &encoder{url: target, opt: opt, head: head.Published(), log: log, pushID: "0"}
	// push.md §3: three full $D, or $H and one more frame.
	least := max(3*(int64(head.PacketSize)+frameHead), int64(len(head.Raw))+2*frameHead)
	if opt.Length < least {
		return nil, fmt.Errorf("content length %d, this stream needs at least %d", opt.Length, least)
	}
	return p, nil
}

// open connects, sets up and begins to stream.
func (p *encoder) open(ctx context.Context) error {
	p.resumed = false
	if err := p.setup(ctx); err != nil {
		p.drop()
		return err
	}
	return p.begin(true)
}

// dial makes a connection and starts its reader.
func (p *encoder) dial(ctx context.Context) error {
	p.drop()
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", scheme.HostPort(p.url))
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

func (p *encoder) drop() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

// await waits for the answer to a request.
func (p *encoder) await() (*reply, error) {
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case a := <-p.answers:
		return a.reply, a.err
	case <-timer.C:
		return nil, fmt.Errorf("no answer within %s", answerTimeout)
	}
}

// Send is the outlet: one ASF packet. While the connection is lost packets are dropped, as they are live.
func (p *encoder) Send(packet []byte) error {
	if p.opt.Strip {
		p.packet = appendStripped(p.packet[:0], packet)
		packet = p.packet
	}
	if p.conn == nil && !p.resume() {
		p.stats.Dropped++
		return p.givenUp()
	}
	p.frame = codec.AppendFrame(p.frame[:0], 'D', packet)
	err := p.deliver(p.frame)
	if err != nil {
		return p.lost(err)
	}
	p.stats.Packets++
	return nil
}

// End says that the source has ended, and closes.
func (p *encoder) End() error {
	if p.conn == nil {
		return nil
	}
	defer p.drop()
	return p.deliver(codec.AppendReason(nil, 'E', 0))
}

// AsEncoder pushes a source to http://user:password@host:port/path until it is over, limit has passed (0: no limit) or
// ctx is done. log is told of losses and redirects. What was sent is known even with an error.
func AsEncoder(ctx context.Context, src source.Source, target *url.URL, opt Options, limit time.Duration,
	log func(format string, args ...any)) (Stats, error) {
	p, err := newEncoder(target, src.Header(), opt, log)
	if err != nil {
		return Stats{}, err
	}
	if err := p.open(ctx); err != nil {
		return p.stats, err
	}
	log("streaming to %s, push-id %s", p.url.Redacted(), p.pushID)
	err = source.Pace(ctx, src, p, limit)
	p.drop()
	return p.stats, err
}
