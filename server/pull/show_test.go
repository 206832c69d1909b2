package pull

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

// A show is what an encoder makes: packet n of it is there n showSteps after its beginning, and each showGroup of them
// begins with a key frame.
type show struct {
	begin  time.Time
	header []byte
	clock  uint32 // send time of packet 0, ms
	salt   byte   // shows that differ in it have the same pictures in other bytes
}

const (
	showStep  = 40 * time.Millisecond
	showGroup = 25
	showSize  = 200 // bytes of a packet
)

func newShow() *show {
	return &show{begin: time.Now(), header: asftest.Header(showSize, 320), clock: 100_000}
}

func (w *show) packet(n int) []byte {
	b := asftest.Packet(uint32(n), w.clock+uint32(n)*uint32(showStep/time.Millisecond), n%showGroup == 0, showSize, 60)
	b[40] = w.salt // of the payload, behind the number
	return b
}

// A span is a time since the beginning of a show.
type span struct{ from, to time.Duration }

func during(t time.Duration, list []span) (end time.Duration, ok bool) {
	for _, s := range list {
		if s.from <= t && t < s.to {
			return s.to, true
		}
	}
	return 0, false
}

// A relay is how an upstream passes a show on.
type relay struct {
	lag    time.Duration
	burst  time.Duration // how much of the past a Play begins with, from a key frame on; 0: from the next one
	silent []span        // it sends nothing, and what it has missed afterwards
	away   []span        // it closes all connections
	middle bool          // a Play begins where the show is
	raw    bool          // ASF without frames, whatever it is asked
	via    string
}

// relay is the script of an upstream. It says where the show is, so that packets of several upstreams are the same
// ones.
func (w *show) relay(r relay) script {
	return func(c *call) {
		since := func() time.Duration { return time.Since(w.begin) }
		if _, away := during(since(), r.away); away {
			return
		}
		via := ""
		if r.via != "" {
			via = "Via: " + r.via + "\r\n"
		}
		header := dataFrame('H', 0, 0x0C, w.header)
		if !c.play && !r.raw {
			c.say(fmt.Appendf(nil, "HTTP/1.0 200 OK\r\n%sContent-Length: %d\r\n\r\n", via, len(header)), header)
			return
		}
		if r.raw {
			header = w.header
		}
		c.say([]byte("HTTP/1.0 200 OK\r\n"+via+"\r\n"), header)
		n := max(0, int((since()-r.lag-r.burst)/showStep))
		n -= n % showGroup
		if r.burst == 0 {
			n += showGroup
		}
		if r.middle {
			n = 1 + int(since()/showStep)
		}
		for ; ; n++ {
			due := time.Duration(n)*showStep + r.lag
			if end, silent := during(max(since(), due), r.silent); silent {
				due = end
			}
			for _, s := range r.away {
				if since() < s.from && s.from <= due {
					time.Sleep(s.from - since())
					return
				}
			}
			time.Sleep(due - since())
			packet := w.packet(n)
			if !r.raw {
				packet = dataFrame('D', uint32(n), 0, packet)
			}
			if _, err := c.Write(packet); err != nil {
				return
			}
		}
	}
}

// A publication is what viewers were given, of one generation after another.
type publication struct {
	numbers [][]int
	sent    []uint32
	at      []clock.Instant
	bytes   []byte
	ended   bool
}

// published reads the chain, of which the test must be the only user now.
func (s *scene) published() (p publication) {
	synctest.Wait()
	for _, e := range streamtest.Elements(s.first) {
		switch e.Kind() {
		case stream.HeaderElement:
			p.numbers = append(p.numbers, nil)
		case stream.PacketElement:
			i := len(p.numbers) - 1
			p.numbers[i] = append(p.numbers[i], int(asftest.Number(e.Full())))
			p.sent = append(p.sent, binary.LittleEndian.Uint32(e.Full()[7:]))
			p.at = append(p.at, e.At())
			p.bytes = append(p.bytes, e.Full()...)
		case stream.EndElement:
			p.ended = true
		}
	}
	return p
}

// exact checks that all packets of a show since the first one were published, each once, byte for byte and none later
// than most after the one before.
func (p publication) exact(t *testing.T, w *show, most time.Duration) {
	t.Helper()
	if len(p.numbers) != 1 || len(p.numbers[0]) < showGroup {
		t.Fatalf("published %v, want one generation of many packets", p.numbers)
	}
	var want []byte
	for i := range p.numbers[0] {
		want = append(want, w.packet(p.numbers[0][0]+i)...)
	}
	if !bytes.Equal(p.bytes, want) {
		t.Errorf("published %v, want each packet of the encoder once, as it was", p.numbers[0])
	}
	p.prompt(t, most)
}

// prompt checks how long viewers had to wait.
func (p publication) prompt(t *testing.T, most time.Duration) {
	t.Helper()
	for i := range p.at {
		if i > 0 && p.at[i].Since(p.at[i-1]) > most {
			t.Errorf("packet %d came %v after the one before, want %v at most", i, p.at[i].Since(p.at[i-1]), most)
		}
	}
}

// unbroken checks that send times go up, never by more than most, and that packets go on from one to the next but for
// gaps that end with a key frame. It returns the number of gaps.
func (p publication) unbroken(t *testing.T, most time.Duration) (gaps int) {
	t.Helper()
	for i := range p.sent {
		if step := int32(p.sent[i] - p.sent[max(i-1, 0)]); i > 0 &&
			(step < 0 || time.Duration(step)*time.Millisecond > most) {
			t.Errorf("packet %d: send time goes on by %d ms, want 0 to %v", i, step, most)
		}
	}
	for _, list := range p.numbers {
		for i := range list {
			if i > 0 && list[i] != list[i-1]+1 {
				gaps++
				if list[i]%showGroup != 0 {
					t.Errorf("packet %d follows %d, want a key frame behind a gap", list[i], list[i-1])
				}
			}
		}
	}
	return gaps
}
