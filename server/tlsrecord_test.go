package server

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// Types of records and of the one message that tests make: RFC 8446, appendix B.
const (
	alertRecord       = 21
	handshakeRecord   = 22
	applicationRecord = 23
)

// Messages of a KeyUpdate that wants one in return, and of one that does not.
var (
	newKeysPlease = []byte{24, 0, 0, 1, 1}
	newKeys       = []byte{24, 0, 0, 1, 0}
)

// A half is one direction of a TLS 1.3 connection with AES-128-GCM, done by hand: crypto/tls has no way to send a
// KeyUpdate, nor records that are wrong.
type half struct {
	t      testing.TB
	secret []byte
	seq    uint64
}

// halves takes the secrets of both directions out of a key log, client's first.
func halves(t testing.TB, log *bytes.Buffer) (client, server *half) {
	for line := range strings.Lines(log.String()) {
		f := strings.Fields(line)
		secret, err := hex.DecodeString(f[2])
		if err != nil {
			t.Fatal(err)
		}
		switch f[0] {
		case "CLIENT_TRAFFIC_SECRET_0":
			client = &half{t: t, secret: secret}
		case "SERVER_TRAFFIC_SECRET_0":
			server = &half{t: t, secret: secret}
		}
	}
	if client == nil || server == nil {
		t.Fatalf("no secrets in %q", log)
	}
	return client, server
}

// connectByHand opens a connection of which the test makes and reads the records.
func (r *rig) connectByHand(h *handshakes) (p *tlsPeer, client, server *half) {
	var log bytes.Buffer
	p = r.connectTLS(h, &tls.Config{KeyLogWriter: &log})
	if suite := p.tls.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		r.t.Skipf("SKIPPED: without AES in hardware this is %s", tls.CipherSuiteName(suite))
	}
	client, server = halves(r.t, &log)
	return p, client, server
}

// expand is HKDF-Expand-Label: RFC 8446 7.1.
func (h *half) expand(label string, size int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(info, byte(len("tls13 "+label)))
	info = append(info, "tls13 "+label...)
	b, err := hkdf.Expand(sha256.New, h.secret, string(append(info, 0)), size)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// renew is what follows a KeyUpdate: RFC 8446 7.2.
func (h *half) renew() { h.secret, h.seq = h.expand("traffic upd", sha256.Size), 0 }

// aead gives the cipher and the nonce of the next record: RFC 8446 5.3.
func (h *half) aead() (cipher.AEAD, []byte) {
	block, err := aes.NewCipher(h.expand("key", 16))
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		h.t.Fatal(err)
	}
	nonce := h.expand("iv", 12)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^h.seq)
	h.seq++
	return a, nonce
}

// seal makes a record: RFC 8446 5.2.
func (h *half) seal(kind byte, content []byte) []byte {
	a, nonce := h.aead()
	head := []byte{applicationRecord, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(len(content)+1+a.Overhead()))
	inner := append(append([]byte{}, content...), kind)
	return a.Seal(head, nonce, inner, head)
}

// open reads the record at the start of b, whose size it returns; 0 as long as it is not all there.
func (h *half) open(b []byte) (kind byte, content []byte, n int) {
	if len(b) < recordHead {
		return 0, nil, 0
	}
	n = recordHead + int(binary.BigEndian.Uint16(b[3:]))
	if len(b) < n {
		return 0, nil, 0
	}
	a, nonce := h.aead()
	inner, err := a.Open(nil, nonce, b[recordHead:n], b[:recordHead])
	if err != nil {
		h.t.Fatalf("record %d with this key: %v", h.seq-1, err)
	}
	last := len(inner) - 1
	return inner[last], inner[:last], n
}

// A heard is what a run of records says.
type heard struct {
	data   []byte
	keys   int    // KeyUpdates
	alerts []byte // descriptions
}

// read opens all whole records of b.
func (h *half) read(b []byte) (got heard) {
	for {
		kind, content, n := h.open(b)
		if n == 0 {
			return got
		}
		b = b[n:]
		switch kind {
		case applicationRecord:
			got.data = append(got.data, content...)
		case alertRecord:
			got.alerts = append(got.alerts, content[1])
		case handshakeRecord:
			if !bytes.Equal(content, newKeys) {
				continue // a ticket
			}
			got.keys++
			h.renew()
		}
	}
}
