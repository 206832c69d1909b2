package upstream

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"pumpd/codec"
	"pumpd/server/auth"
)

// A proxy is the HTTP proxy of the configuration. Any goroutine.
//
// It is shown its credentials by Basic (RFC 7617) without waiting to be asked, until it asks for Digest. What it asked
// for is remembered for the next connections.
type proxy struct {
	at *Address // never changed

	mu    sync.Mutex
	login auth.Login
}

func proxyAt(at *Address) *proxy {
	return &proxy{at: at, login: auth.Login{User: at.user, Password: at.password}}
}

// appendAuthorization adds the credentials for a request.
func (p *proxy) appendAuthorization(b []byte, method, target string) []byte {
	if p.at.user == "" {
		return b
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	field := p.login.Field(method, target)
	if field == "" {
		field = auth.BasicField(p.at.user, p.at.password)
	}
	return codec.AppendField(b, "Proxy-Authorization", field)
}

// learn takes the challenge of a 407. An error means that asking again is no use.
func (p *proxy) learn(challenge string) error {
	next := auth.Login{User: p.at.user, Password: p.at.password}
	if err := next.Learn(challenge); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.login = next
	return nil
}

// A proxyAsksError is a 407, with its challenge.
type proxyAsksError struct{ to, challenge string }

func (e *proxyAsksError) Error() string {
	return fmt.Sprintf("proxy: answer to CONNECT %s: 407, wants credentials by %.80q", e.to, e.challenge)
}

// tunnel asks the proxy to connect us: RFC 9110 9.3.6. A *proxyAsksError means: once more, on another connection.
func (p *proxy) tunnel(conn io.ReadWriter, to *Address) error {
	b := codec.AppendRequestLine(nil, "CONNECT", to.host, 1)
	b = codec.AppendField(b, "Host", to.host)
	b = p.appendAuthorization(b, "CONNECT", to.host)
	if _, err := conn.Write(append(b, "\r\n"...)); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	var r codec.Response
	var head []byte
	for { // byte by byte: what comes after the head is not ours
		var next [1]byte
		if _, err := io.ReadFull(conn, next[:]); err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		head = append(head, next[0])
		_, err := codec.ParseResponse(head, maxReplyHead, &r)
		if errors.Is(err, codec.ErrShort) {
			continue
		}
		switch {
		case err != nil:
			return fmt.Errorf("proxy: %w", err)
		case r.Status == 407:
			return &proxyAsksError{to: to.host, challenge: string(r.ProxyAuthenticate)}
		case r.Status/100 != 2:
			return fmt.Errorf("proxy: answer to CONNECT %s: %d %.80q", to.host, r.Status, r.Reason)
		}
		return nil
	}
}
