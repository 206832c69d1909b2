package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

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

func TestLoadOverTLS(t *testing.T) {
	addr := serveTLS(t, serveSynth(t))
	for name, opt := range map[string]loadOptions{
		"mmshs":               {urls: []string{"mmshs://" + addr + "/x"}},
		"mmshs with describe": {urls: []string{"mmshs://" + addr + "/x"}, describe: true},
		"https":               {urls: []string{"https://" + addr + "/x"}},
		"all kinds":           {urls: []string{"mmshs://" + addr + "/x"}, slow: 2, slowRate: 1e6, stalled: 2, churn: 20, herd: 10, duration: 500 * time.Millisecond},
	} {
		s := testLoad(t, opt)
		if s.Failed+s.Refused+s.Silent+s.faultCount() > 0 || s.Bytes == 0 || s.Packets == 0 || !s.Stamped || s.SlowestPart < starvedShare {
			t.Errorf("%s: %v; %v; %s; %+v", name, s.verdict(), s.Failures, s.FirstFault, s)
		}
		if want := name[:5]; name != "all kinds" && s.Protocol != want {
			t.Errorf("%s: protocol %s", name, s.Protocol)
		}
	}
}

// A server that takes connections and shakes no hands, or none that is TLS.
func TestLoadWithoutTLSThere(t *testing.T) {
	plain := serveBytes(t, []byte("HTTP/1.0 200 OK\r\n\r\n"), true)
	for name, addr := range map[string]string{"silent": plain, "closed": serveBytes(t, nil, false)} {
		start := time.Now()
		opt := loadOptions{urls: []string{"https://" + addr + "/"}, viewers: 5}
		if s := testLoad(t, opt); s.Failed != 5 || s.verdict() == nil {
			t.Errorf("%s: %d failed: %v", name, s.Failed, s.Failures)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// Each site gets its share of viewers, of every kind.
func TestLoadTakesURLsInTurn(t *testing.T) {
	plain, secure := serveSynth(t), serveTLS(t, serveSynth(t))
	good := []string{"mmsh://" + plain + "/a", "http://" + plain + "/b", "mmshs://" + secure + "/c", "https://" + secure + "/d"}
	s := testLoad(t, loadOptions{urls: good, viewers: 40})
	if s.Failed+s.faultCount() > 0 || s.Watching != 40 || s.Protocol != "mixed" || s.URL != good[0]+" and 3 more" {
		t.Errorf("%+v: %v", s, s.Failures)
	}
	closed := serveBytes(t, []byte("HTTP/1.0 404 Not Found\r\n\r\n"), true)
	for _, describe := range []bool{false, true} {
		s = testLoad(t, loadOptions{urls: append(good, "mmsh://"+closed+"/e"), viewers: 100, describe: describe})
		if s.Refused < 18 || s.Refused > 22 || s.Failed > 0 || s.Watching != 100-s.Refused {
			t.Errorf("describe %v: %d refused, %d failed, %d watching, want a fifth refused: %v", describe, s.Refused, s.Failed, s.Watching, s.Failures)
		}
	}
}
