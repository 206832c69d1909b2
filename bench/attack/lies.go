package attack

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"pumpd/bench/source"
	"pumpd/codec"
)

// A question is a request for a stream or its header.
type question struct {
	ctx  context.Context
	conn net.Conn
	own  string // host:port where it was asked
	play bool   // for the stream, and not for its header alone
}

// A lie answers a question as no server should, until the other side has enough.
type lie func(question) error

// lies are all of them.
func lies() ([]lie, error) {
	all := []lie{
		func(q question) error { return q.endless("HTTP/1.0 200 OK\r\n", "X-A: b\r\n") },
		func(q question) error { return q.endless("HTTP/1.0 200 OK\r\nX-Long: ", "a") },
		func(q question) error { return q.drip("HTTP/1.0 200 OK\r\nX-Long: ") },
		func(q question) error {
			return q.say("HTTP/1.0 302 Found\r\nLocation: mmsh://%s/%d\r\n\r\n", q.own, rand.Int())
		},
		func(q question) error {
			return q.say(serverReply+"video/x-ms-asf\r\n\r\n[Reference]\r\nRef1=http://%s/%d\r\n", q.own, rand.Int())
		},
		func(q question) error {
			return q.endless(serverReply+"video/x-ms-asx\r\n\r\n<asx version=\"3.0\">", `<entry><ref href="a"/></entry>`)
		},
		func(q question) error { return q.endless("", string(noise(4<<10))) },
		func(q question) error { return q.chunked(chunkBomb()) },
		func(q question) error { return q.chunked("7fffffffffffffff\r\n") },
		func(q question) error { return q.drip(serverReply + q.contentType() + "\r\n\r\n") },
	}
	foul, err := fouls()
	if err != nil {
		return nil, err
	}
	for _, f := range foul {
		all = append(all, func(q question) error {
			if err := q.say(serverReply+"%s\r\n\r\n", q.contentType()); err != nil {
				return err
			}
			return f.send(q.conn)
		})
	}
	return append(all, question.changeEachSecond, question.missize), nil
}

// serverReply is that of a server of Windows Media, up to the type of what follows.
const serverReply = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nPragma: client-id=1\r\nContent-Type: "

// contentType is what was asked for.
func (q question) contentType() string {
	if q.play {
		return "application/x-mms-framed"
	}
	return "application/vnd.ms.wms-hdr.asfv1"
}

func (q question) say(format string, args ...any) error {
	_, err := fmt.Fprintf(q.conn, format, args...)
	return err
}

// endless says start, and then over and over again more.
func (q question) endless(start, more string) error {
	const block = 16 << 10
	return foul{[]byte(start), []byte(strings.Repeat(more, 1+block/len(more)))}.send(q.conn)
}

// drip says start, and then a byte now and then.
func (q question) drip(start string) error {
	const pause = 100 * time.Millisecond
	if _, err := io.WriteString(q.conn, start); err != nil {
		return err
	}
	for q.ctx.Err() == nil {
		if _, err := io.WriteString(q.conn, "$"); err != nil {
			return err
		}
		wait(q.ctx, pause)
	}
	return nil
}

// chunked says what should be a chunked body, and goes on.
func (q question) chunked(body string) error {
	head := strings.Replace(serverReply, "1.0", "1.1", 1) + q.contentType() + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	return q.endless(head+body, "$")
}

// changeEachSecond is a good stream, but that it has another header each second, with packets of another size.
func (q question) changeEachSecond() error {
	if err := q.say(serverReply+"%s\r\n\r\n", q.contentType()); err != nil {
		return err
	}
	out := &framed{to: q.conn}
	for q.ctx.Err() == nil {
		src, err := source.NewSynthetic(source.Options{
			Bitrate: 300e3, Packet: 500 + rand.IntN(1000), GOP: time.Second, Payloads: 1, Ballast: rand.IntN(60000),
		})
		if err != nil {
			return err
		}
		if err := out.start(src); err != nil || !q.play {
			return err
		}
		if err := source.Pace(q.ctx, src, out, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// missize is a good header, and then packets of any size, as fast as they are taken.
func (q question) missize() error {
	src, err := source.NewSynthetic(source.Options{Bitrate: 300e3, Packet: 1400, GOP: time.Second, Payloads: 1})
	if err != nil {
		return err
	}
	if err := q.say(serverReply+"%s\r\n\r\n", q.contentType()); err != nil {
		return err
	}
	out := &framed{to: q.conn}
	if err := out.start(src); err != nil || !q.play {
		return err
	}
	for {
		packet := append(append([]byte(nil), src.Take()...), make([]byte, 4000)...)
		if err := out.Send(packet[:rand.IntN(len(packet))]); err != nil {
			return err
		}
	}
}

// framed sends headers and packets as MMSH frames them.
type framed struct {
	to      io.Writer
	number  uint32
	started bool
}

// start begins a stream, or another one on the same connection.
func (f *framed) start(src source.Source) error {
	var b []byte
	if f.started {
		b = codec.AppendReason(b, 'C', 0)
	}
	f.number, f.started = 0, true
	_, err := f.to.Write(codec.AppendHeader(b, src.Header().Published().Raw))
	return err
}

// Send is for source.Pace.
func (f *framed) Send(packet []byte) error {
	b := make([]byte, codec.PrefixLen, codec.PrefixLen+len(packet))
	codec.PutDataPrefix(b, 'D', f.number, uint8(f.number), len(packet))
	f.number++
	_, err := f.to.Write(append(b, packet...))
	return err
}

// End is for source.Pace: there is more to come.
func (f *framed) End() error { return nil }
