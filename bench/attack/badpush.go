package attack

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"

	"pumpd/bench/peers"
)

const badStreams = 8

// badPush: encoders that may push, and push what is no stream.
var badPush = Kind{
	Name:  "push",
	About: "64 encoders that push damage to 8 other streams, which they may, or to this one, which they may not",
	Setup: peers.Setup{Guarded: true, Others: badStreams},
	Own:   true,
	Run: func(ctx context.Context, v Victim, log *Log) error {
		all, err := fouls()
		if err != nil {
			return err
		}
		keep(ctx, v.scaled(64), v.Plain, 0, log, func(conn *net.TCPConn) error {
			path := v.Path
			if n := rand.IntN(badStreams + 1); n < badStreams {
				path = fmt.Sprintf("/streams/other%d", n)
			}
			return v.pushFoul(conn, path, all[rand.IntN(len(all))], log)
		})
		return nil
	},
}

// pushFoul sets up a push, and starts it if it may.
func (v Victim) pushFoul(conn net.Conn, path string, f foul, log *Log) error {
	log.sent(1)
	if _, err := conn.Write(append(v.pushHead(path, "setup", len(setupBody), "push-id=0"), setupBody...)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	log.answered(answer.StatusCode)
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil
	}
	cookie, _, _ := strings.Cut(answer.Header.Get("Set-Cookie"), ";")
	log.sent(1)
	if _, err := conn.Write(v.pushHead(path, "start", math.MaxInt32, cookie)); err != nil {
		return err
	}
	return f.send(conn)
}

// setupBody is that of a push's setup.
const setupBody = "AutoDestroy: 1\r\n"

// pushHead is the head of a request to push to a stream: its setup or its start. more are fields.
func (v Victim) pushHead(path, what string, length int, cookie string, more ...string) []byte {
	return fmt.Appendf(nil, "POST %s_push HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-wms-push%s\r\n"+
		"User-Agent: %s\r\nContent-Length: %d\r\nConnection: Keep-Alive\r\nCookie: %s\r\n%s\r\n",
		path, v.Plain, what, encoderAgent, length, cookie, strings.Join(append(more, ""), "\r\n"))
}
