package attack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"pumpd/bench/peers"
)

// badUpstream: servers that are pulled from, and are none. Somebody waits for each of the streams all the time: pulls
// that fail then try again every second, and do not wait longer each time.
var badUpstream = Kind{
	Name: "upstream",
	About: "a server from which 16 watched streams are pulled: damage, heads, lists, chunks and redirects without end, " +
		"drips, a new header each second",
	Setup: peers.Setup{Pulls: badPulls},
	Own:   true,
	Run: func(ctx context.Context, v Victim, log *Log) error {
		all, err := lies()
		if err != nil {
			return err
		}
		ln, err := net.Listen("tcp4", v.Upstream)
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { ln.Close() })()
		var open sync.WaitGroup
		defer open.Wait()
		for i := range badPulls {
			open.Go(func() { v.insist(ctx, fmt.Sprintf("/streams/pull%d", i), log) })
		}
		for {
			conn, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			open.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				log.connected()
				if err := v.misserve(ctx, conn, all[rand.IntN(len(all))], log); err != nil && ctx.Err() == nil {
					log.ended(err)
				}
			})
		}
	},
}

const (
	badPulls    = 16
	insistPause = 250 * time.Millisecond
)

// insist watches a stream until ctx is done, and comes again when it ends.
func (v Victim) insist(ctx context.Context, path string, log *Log) {
	v.Path = path
	keep(ctx, 1, v.Plain, 0, log, func(conn *net.TCPConn) error {
		if _, err := conn.Write(v.playRequest()); err != nil {
			return err
		}
		if _, err := readAnswer(bufio.NewReader(conn), http.MethodGet, log); err != nil {
			return err
		}
		wait(ctx, insistPause)
		return nil
	})
}

// misserve answers a request by a lie.
func (v Victim) misserve(ctx context.Context, conn net.Conn, l lie, log *Log) error {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	log.sent(1) // an answer
	play := strings.Contains(strings.Join(request.Header["Pragma"], ","), "xPlayStrm=1")
	return l(question{ctx: ctx, conn: conn, own: v.Upstream, play: play})
}
