package attack

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"time"

	"pumpd/bench/source"
	"pumpd/codec"
)

// foul is what no honest source sends: start, then over and over again more.
type foul struct{ start, more []byte }

// fouls are all of them, built around the header of a stream as it should be.
func fouls() ([]foul, error) {
	src, err := source.NewSynthetic(source.Options{Bitrate: 300e3, Packet: 1400, GOP: 2 * time.Second, Payloads: 1})
	if err != nil {
		return nil, err
	}
	raw := src.Header().Raw
	header := codec.AppendHeader(nil, raw)
	lies := append([]byte(nil), raw...)
	for range 8 { // sizes are 64 bits
		binary.LittleEndian.PutUint64(lies[rand.IntN(len(lies)-8):], rand.Uint64())
	}
	return []foul{
		{more: noise(64 << 10)},
		{more: header},
		{start: codec.AppendHeader(nil, lies), more: noise(1400)},
		{start: header, more: codec.AppendFrame(nil, 'D', noise(1400))},
		{start: header, more: codec.AppendFrame(nil, 'D', nil)},
		{start: header, more: append(codec.AppendReason(nil, 'C', 0), header...)},
		{start: header, more: codec.AppendFrame(nil, 'X', noise(65000))},
		{start: codec.AppendFrame(nil, 'H', noise(65000)), more: []byte("$D\xff\xff")},
	}, nil
}

// send goes on until the other side has enough.
func (f foul) send(to io.Writer) error {
	_, err := to.Write(f.start)
	for err == nil {
		_, err = to.Write(f.more)
	}
	return err
}
