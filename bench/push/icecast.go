package push

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"time"

	"pumpd/bench/scheme"
	"pumpd/bench/source"
)

// An icecast is a source client of Icecast: a SOURCE request, then whole packets without framing. Icecast knows neither
// a header nor key frames in them, so its viewers find packets only by their probes.
type icecast struct{ conn net.Conn }

// AsIcecast feeds a source to icecast://user:password@host:port/mount until it is over, limit has passed (0: no limit)
// or ctx is done.
func AsIcecast(ctx context.Context, src source.Source, target *url.URL, limit time.Duration) error {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", scheme.HostPort(target))
	if err != nil {
		return err
	}
	defer conn.Close()
	password, _ := target.User.Password()
	credentials := base64.StdEncoding.EncodeToString([]byte(target.User.Username() + ":" + password))
	fmt.Fprintf(conn, "SOURCE %s HTTP/1.0\r\nAuthorization: Basic %s\r\nUser-Agent: bench\r\n"+
		"Content-Type: application/octet-stream\r\nIce-Public: 0\r\nIce-Name: bench\r\n\r\n",
		target.RequestURI(), credentials)
	conn.SetReadDeadline(time.Now().Add(answerTimeout))
	line, err := readLine(bufio.NewReader(conn))
	if err != nil {
		return fmt.Errorf("icecast: %w", err)
	}
	rep := new(reply)
	if err := rep.parseStatus(line); err != nil || rep.status != 200 {
		return fmt.Errorf("icecast: answer %q", line)
	}
	return source.Pace(ctx, src, icecast{conn}, limit)
}

func (c icecast) Send(packet []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := c.conn.Write(packet)
	return err
}

func (c icecast) End() error { return c.conn.Close() }
