package load

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/bench/source"
	"pumpd/bench/upstream"
	"pumpd/codec"
)

// serveSynth runs an upstream until the test ends and gives its address.
func serveSynth(t *testing.T) string {
	t.Helper()
	src := mustSynthetic(t, source.Options{Bitrate: 500e3, Packet: 1000, GOP: 100 * time.Millisecond, Payloads: 2})
	up, err := upstream.Listen("127.0.0.1:0", src.Header())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- up.Run(ctx, src, 0) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return up.Addr()
}

// serveBytes answers every request with the same bytes, and closes if it shall.
func serveBytes(t *testing.T, answer []byte, hold bool) string {
	t.Helper()
	return serveEach(t, func(conn net.Conn, in *bufio.Reader, _ string) {
		conn.Write(answer)
		if hold {
			io.Copy(io.Discard, in)
		}
	})
}

// serveEach has each connection's request read, then answered by what gets its request line, and closes.
func serveEach(t *testing.T, answer func(conn net.Conn, in *bufio.Reader, line string)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				first, err := in.ReadString('\n')
				for line := first; err == nil && line != "\r\n"; {
					line, err = in.ReadString('\n')
				}
				if err == nil {
					answer(conn, in, first)
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// serveAfter refuses the first n requests and then is the server at to.
func serveAfter(t *testing.T, n int64, refuse []byte, to string) string {
	t.Helper()
	var asked atomic.Int64
	no := serveBytes(t, refuse, false)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			front, err := ln.Accept()
			if err != nil {
				return
			}
			at := to
			if asked.Add(1) <= n {
				at = no
			}
			join(front, at)
		}
	}()
	return ln.Addr().String()
}

// selfSigned is a certificate that nobody trusts.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// serveTLS passes what comes by TLS on to a plain server.
func serveTLS(t *testing.T, to string) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", selfSigned(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			front, err := ln.Accept()
			if err != nil {
				return
			}
			join(front, to)
		}
	}()
	return ln.Addr().String()
}

// join passes bytes both ways.
func join(front net.Conn, to string) {
	back, err := net.Dial("tcp", to)
	if err != nil {
		front.Close()
		return
	}
	go func() {
		io.Copy(back, front)
		back.Close()
	}()
	go func() {
		io.Copy(front, back)
		front.Close()
	}()
}

// mmshStream is an MMSH body with n packets of a synthetic source; the one with index lost is missing.
func mmshStream(t *testing.T, n, lost int) []byte {
	t.Helper()
	src := mustSynthetic(t, source.Options{Bitrate: 400e3, Packet: 400, GOP: 100 * time.Millisecond, Payloads: 1})
	b := codec.AppendHeader(nil, src.Header().Raw)
	sent := 0
	for i := range n {
		packet := src.Take()
		if i == lost {
			continue
		}
		at := len(b)
		b = append(b, make([]byte, codec.PrefixLen)...)
		codec.PutDataPrefix(b[at:], 'D', uint32(sent), uint8(sent), len(packet))
		b = append(b, packet...)
		sent++
	}
	return b
}

func mustSynthetic(t testing.TB, opt source.Options) *source.Synthetic {
	t.Helper()
	s, err := source.NewSynthetic(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
