// Package upstreamtest is what tests need of upstreams: the bytes that they send, and a DNS that knows their services.
package upstreamtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"pumpd/asf/asftest"
	"pumpd/codec"
)

// Index is how a Simple Index begins: asf.md §2.
var Index = []byte{0x90, 0x08, 0x00, 0x33, 0xB1, 0xE5, 0xCF, 0x11, 0x89, 0xF4, 0x00, 0xA0, 0xC9, 0x03, 0x49, 0xCB}

// DataFrame is a $H, $D or $M as upstreams send it.
func DataFrame(typ byte, location uint32, flags uint8, payload []byte) []byte {
	b := make([]byte, codec.PrefixLen, codec.PrefixLen+len(payload))
	codec.PutDataPrefix(b, typ, location, flags, len(payload))
	return append(b, payload...)
}

// Swap returns b with the byte at i replaced.
func Swap(b []byte, i int, v byte) []byte {
	b = bytes.Clone(b)
	b[i] = v
	return b
}

// A header of 320 pixels and one of 640, two packets of 200 bytes, numbered 1 and 2, and the frames of them.
var (
	Header       = asftest.Header(200, 320)
	OtherHeader  = asftest.Header(200, 640)
	One          = asftest.Packet(1, 0, true, 200, 60)
	Two          = asftest.Packet(2, 40, false, 200, 60)
	FramedHeader = DataFrame('H', 0, 0x0C, Header)
	FramedOne    = DataFrame('D', 0, 0, One)
	FramedTwo    = DataFrame('D', 1, 1, Two)
	LongEnd      = codec.AppendFrame(nil, 'E', []byte{1, 0, 0, 0, 0, 0, 0, 0}) // VLC and FFmpeg: a counter, not a reason
)

// Chunks puts a body into chunks of n bytes.
func Chunks(body []byte, n int) (b []byte) {
	for part := range slices.Chunk(body, n) {
		b = fmt.Appendf(b, "%x\r\n%s\r\n", len(part), part)
	}
	return append(b, "0\r\n\r\n"...)
}

// Service looks up these host:port, in this order, as _mmsh._tcp.example.org.
func Service(places ...string) func(context.Context, string, string, string) (string, []*net.SRV, error) {
	return func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		if service != "mmsh" || proto != "tcp" || name != "example.org" {
			return "", nil, fmt.Errorf("asked for _%s._%s.%s", service, proto, name)
		}
		var list []*net.SRV
		for _, p := range places {
			var port uint16
			host, number, _ := strings.Cut(p, ":")
			fmt.Sscan(number, &port)
			list = append(list, &net.SRV{Target: host, Port: port})
		}
		return "", list, nil
	}
}
