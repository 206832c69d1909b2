package attack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"

	"pumpd/bench/peers"
)

// badUpstream: servers that are pulled from, and are none.
var badUpstream = Kind{
	Name:  "upstream",
	About: "a server from which 8 other streams are pulled, with damage, endless heads, lists and redirects for answers",
	Setup: peers.Setup{Pulls: badStreams},
	Own:   true,
	Run: func(ctx context.Context, v Victim, log *Log) error {
		all, err := fouls()
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
				if err := v.misserve(conn, all[rand.IntN(len(all))], log); err != nil && ctx.Err() == nil {
					log.ended(err)
				}
			})
		}
	},
}

// misserve answers each request on a connection with nonsense, and most often with something that looks like a stream.
func (v Victim) misserve(conn net.Conn, f foul, log *Log) error {
	const ok = "HTTP/1.0 200 OK\r\nServer: Rex/9.0.0.2980\r\nPragma: client-id=1\r\nContent-Type: "
	var answer string
	switch rand.IntN(12) {
	case 0:
		answer = "HTTP/1.0 200 OK\r\n" + strings.Repeat("X-A: b\r\n", bomb/8)
	case 1:
		answer = "HTTP/1.0 302 Found\r\nLocation: mmsh://" + v.Upstream + "/again\r\nContent-Length: 0\r\n\r\n"
	case 2:
		const entry = `<entry><ref href="a"/></entry>`
		answer = ok + "video/x-ms-asx\r\n\r\n<asx version=\"3.0\">" + strings.Repeat(entry, bomb/len(entry))
	case 3:
		answer = string(noise(bomb))
	case 4:
		answer = strings.Replace(ok, "1.0", "1.1", 1) + "x-mms-framed\r\nTransfer-Encoding: chunked\r\n\r\n" + chunkBomb()
	}
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	log.sent(1) // an answer
	if answer != "" {
		_, err := io.WriteString(conn, answer)
		return err
	}
	kind := "vnd.ms.wms-hdr.asfv1"
	if strings.Contains(strings.Join(request.Header["Pragma"], ","), "xPlayStrm=1") {
		kind = "x-mms-framed"
	}
	if _, err := fmt.Fprintf(conn, ok+"application/%s\r\n\r\n", kind); err != nil {
		return err
	}
	return f.send(conn)
}
