package pull

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

// A body is what an upstream says after its head, as it comes in all the ways that there are.
type body struct {
	name string
	head string
	of   func(headers [][]byte, packets [][][]byte) []byte // packets follow the header of the same place
	file bool                                              // it comes at its own pace
}

func framed(headers [][]byte, packets [][][]byte) (b []byte) {
	location := uint32(0)
	for i, h := range headers {
		if i > 0 {
			b = codec.AppendReason(b, 'C', 0)
		}
		third := len(h) / 3 // in fragments: mmsh.md §6.2
		b = append(b, dataFrame('H', 0, firstFragment, h[:third])...)
		b = append(b, dataFrame('H', 0, 0, h[third:2*third])...)
		b = append(b, dataFrame('H', 0, lastFragment, h[2*third:])...)
		for _, p := range packets[i] {
			b = append(b, dataFrame('D', location, byte(location), p)...)
			location++
		}
	}
	return b
}

func raw(headers [][]byte, packets [][][]byte) (b []byte) {
	for i, h := range headers {
		b = append(append(b, h...), slices.Concat(packets[i]...)...)
	}
	return b
}

// endless are chunks of which none is the last.
func endless(b []byte, n int) []byte { return bytes.TrimSuffix(chunks(b, n), []byte("0\r\n\r\n")) }

const (
	firstFragment = 0x04
	lastFragment  = 0x08
)

var bodies = []body{
	{name: "framed", head: wmsPlay, of: framed},
	{name: "chunked", head: ffmpegReply, of: func(h [][]byte, p [][][]byte) []byte { return endless(framed(h, p), 333) }},
	{name: "large chunks", head: ffmpegReply, of: func(h [][]byte, p [][][]byte) []byte {
		return endless(raw(h, p), 3333)
	}},
	{name: "raw", head: "HTTP/1.0 200 OK\r\n\r\n", of: raw},
	{name: "raw file", file: true, of: raw},
}

// media are two headers with so many packets each, 10 ms apart.
func media(n int) (headers [][]byte, packets [][][]byte) {
	headers = [][]byte{header320, header640}
	for i := range headers {
		var list [][]byte
		for k := range n {
			number := uint32(i*n + k)
			list = append(list, asftest.Packet(number, number*10, k%10 == 0, 200, 60))
		}
		packets = append(packets, list)
	}
	return headers, packets
}

// last is the number of the last packet.
func (b *body) last() int {
	if b.file { // it has one header
		return 149
	}
	return 299
}

// reply is the whole of what an upstream says to a Play.
func (b *body) reply() []byte {
	headers, packets := media(150)
	if b.file {
		all := b.of(headers[:1], packets[:1])
		return append(fmt.Appendf(nil, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", len(all)+1), all...)
	}
	return append([]byte(b.head), b.of(headers, packets)...)
}

// pieces cuts a reply into what is sent at once, and says how long to wait after each.
func pieces(b []byte, random *rand.Rand) (list [][]byte, pauses []time.Duration) {
	for len(b) > 0 {
		n := min(len(b), 1+random.IntN(700))
		if random.IntN(8) == 0 {
			n = min(len(b), 1+random.IntN(9))
		}
		list, b = append(list, b[:n]), b[n:]
		pauses = append(pauses, time.Duration(random.IntN(20))*time.Millisecond)
	}
	return list, pauses
}

// slowly serves a reply in pieces, to each kind of request, and then holds the connection.
func slowly(b *body, seed uint64) script {
	return func(c *call) {
		list, pauses := pieces(b.reply(), rand.New(rand.NewPCG(seed, 0)))
		for i, part := range list {
			c.say(part)
			time.Sleep(pauses[i])
		}
		c.hold()
	}
}

// chainOf is all that a chain holds, of which from is the first element.
func chainOf(from *stream.Element) (b []byte) {
	for _, e := range streamtest.Elements(from) {
		b = appendElement(b, e)
	}
	return b
}

func appendElement(b []byte, e *stream.Element) []byte {
	b = append(b, byte(e.Kind()))
	if e.Kind() == stream.HeaderElement {
		b = append(b, e.Generation().Header().Raw...)
	}
	return append(b, e.Full()...)
}

// A pull that stands still again and again, wherever it is, feeds its stream as one that never does.
func TestStandsStill(t *testing.T) {
	for i := range bodies {
		b := &bodies[i]
		t.Run(b.name, func(t *testing.T) {
			for seed := range uint64(4) {
				var want, got []byte
				synctest.Test(t, func(t *testing.T) { want = haltedRun(t, b, seed, 0) })
				synctest.Test(t, func(t *testing.T) { got = haltedRun(t, b, seed, 100) })
				if len(want) < 150*200 || !bytes.Equal(got, want) {
					t.Errorf("seed %d: %d bytes in the chain, without a standstill %d", seed, len(got), len(want))
				}
			}
		})
	}
}

// haltedRun pulls for a while and stands still so often meanwhile. It gives the chain.
func haltedRun(t *testing.T, b *body, seed uint64, times int) []byte {
	s := newSceneOf(t, config.Stream{URLs: []string{"mmsh://a.example/"}})
	s.hosts["a.example:80"] = slowly(b, seed)
	s.puller.signal = standstill.NewSignal()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.puller.run(ctx)
	}()
	random := rand.New(rand.NewPCG(seed, 1))
	if seed%2 == 1 { // as if viewers were there whose loop calls the source before its rounds
		s.st.Stats().Viewers.Add(1)
		s.st.CalledBy(0, true)
		caller := make(chan struct{})
		defer func() { <-caller }()
		go func() {
			defer close(caller)
			for ctx.Err() == nil {
				s.st.Read(s.st.Clock().Now(), time.Millisecond)
				time.Sleep(40 * time.Millisecond)
			}
		}()
	}
	stands := 0
	for range times {
		time.Sleep(time.Duration(random.IntN(100_000)) * time.Microsecond)
		if s.puller.signal.Park(ctx, ended) != nil {
			t.Fatal("it does not stand still")
		}
		if s.first != nil {
			stands++
			long := len(chainOf(s.first))
			time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
			synctest.Wait()
			if n := len(chainOf(s.first)); n != long {
				t.Errorf("%d bytes while it stands still", n-long)
			}
		}
		s.puller.signal.GoOn()
	}
	if stands < times*9/10 {
		t.Errorf("stood still %d times of %d while there was something", stands, times)
	}
	time.Sleep(time.Second) // until it is up
	for last := fmt.Sprint(b.last()); !strings.HasSuffix(s.seen(), last) && len(s.asked) < 3; {
		time.Sleep(100 * time.Millisecond)
	}
	chain := chainOf(s.first)
	if n := len(s.asked); n > 2 {
		t.Errorf("asked %q", s.asked)
	}
	stop()
	<-ended
	return chain
}

// A standstill that comes too late holds nothing up.
func TestStandsStillTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "mmsh://a.example/")
		release := make(chan struct{})
		s.hosts["a.example:80"] = wms([][]byte{framed1}, func(c *call) {
			<-release
			c.say(framed2)
			c.hold()
		})
		s.puller.signal = standstill.NewSignal()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.puller.run(ctx)
		}()
		synctest.Wait()
		gone, cancel := context.WithCancel(ctx)
		cancel()
		for range 100 { // sometimes it has begun to
			_ = s.puller.signal.Park(gone, ended)
			s.puller.signal.GoOn()
		}
		if err := s.puller.signal.Park(ctx, ended); err != nil {
			t.Fatal(err)
		}
		s.puller.signal.GoOn()
		close(release)
		time.Sleep(time.Second)
		if seen := s.seen(); seen != "h 1 2" {
			t.Errorf("seen %s", seen)
		}
		stop()
		<-ended
	})
}
