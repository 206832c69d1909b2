package attack

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// A hello is the first record of a TLS client.
func hello() ([]byte, error) {
	var c recorder
	err := tls.Client(&c, &tls.Config{InsecureSkipVerify: true, ServerName: "pump.example"}).Handshake()
	if len(c.said) == 0 {
		return nil, err
	}
	return c.said, nil
}

// A recorder keeps what is written and gives nothing to read.
type recorder struct {
	net.Conn
	said []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.said = append(r.said, b...)
	return len(b), nil
}

func (r *recorder) Read([]byte) (int, error) { return 0, io.EOF }
func (r *recorder) Close() error             { return nil }

var errNoTLS = errors.New("the pump has no TLS: give its URL with -secure")
