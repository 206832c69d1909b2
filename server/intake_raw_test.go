package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// indexHead is how a Simple Index begins: asf.md §2.
var indexHead = []byte{0x90, 0x08, 0x00, 0x33, 0xB1, 0xE5, 0xCF, 0x11, 0x89, 0xF4, 0x00, 0xA0, 0xC9, 0x03, 0x49, 0xCB}

// ofFile is a header whose Data Object has one packet, by what it says.
func ofFile(header []byte) []byte {
	header = bytes.Clone(header)
	data := header[len(header)-asfDataHead:]
	binary.LittleEndian.PutUint64(data[16:], asfDataHead+200)
	binary.LittleEndian.PutUint64(data[40:], 1)
	return header
}

// rawCases are bodies in the notation of intakeCases.
var rawCases = []struct {
	name string
	body []byte
	want string
}{
	{"live", joined(intakeHeader, intakeOne, intakeTwo), "H 1 2"},
	{"header alone", intakeHeader, "H"},
	{"more than the Data Object says", joined(ofFile(intakeHeader), intakeOne, intakeTwo, intakeOne), "F 1 2 1"},
	{"file with an index", joined(ofFile(intakeHeader), intakeOne, intakeTwo, indexHead, make([]byte, 500)), "F 1 2 E"},
	{"another header", joined(intakeHeader, intakeOne, intakeOther, intakeTwo), "H 1 h 2"},
	{"the same header again", joined(intakeHeader, intakeOne, intakeHeader, intakeTwo), "H 1 H 2"},
	{"packets of zeros are the stream's business", joined(intakeHeader, make([]byte, 200)), "H 0"},
}

// hearAnswer reads all events of a body, whatever it is.
func hearAnswer(from io.Reader) (string, error) {
	a := &answer{in: newWindow(from, intakeSize), reply: &pullReply{}}
	var heard []string
	for {
		e, err := a.next()
		if err == io.EOF {
			return strings.Join(heard, " "), nil
		}
		if err != nil {
			return strings.Join(heard, " "), err
		}
		if e.kind == eventHeader && bytes.Equal(e.data, ofFile(intakeHeader)) {
			heard = append(heard, "F")
		} else {
			heard = append(heard, note(e))
		}
		if e.kind == eventEnd {
			return strings.Join(heard, " "), nil
		}
	}
}

func TestRawIntake(t *testing.T) {
	for _, tt := range rawCases {
		t.Run(tt.name, func(t *testing.T) {
			for name, from := range map[string]io.Reader{
				"at once":        bytes.NewReader(tt.body),
				"byte by byte":   iotest.OneByteReader(bytes.NewReader(tt.body)),
				"with the EOF":   iotest.DataErrReader(bytes.NewReader(tt.body)),
				"chunk by chunk": newChunkedBody(bytes.NewReader(chunks(tt.body, 7))),
			} {
				if got, err := hearAnswer(from); got != tt.want || err != nil {
					t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
				}
			}
			for n := range tt.body {
				got, err := hearAnswer(bytes.NewReader(tt.body[:n]))
				if !strings.HasPrefix(tt.want, got) {
					t.Fatalf("cut to %d bytes: %q, want the start of %q", n, got, tt.want)
				}
				if err != nil && err != io.ErrUnexpectedEOF && n >= len(asfHeader) {
					t.Fatalf("cut to %d bytes: %v, want an unexpected EOF", n, err)
				}
			}
		})
	}
}

func TestRawIntakeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		body  []byte
		heard string
	}{
		{"size of 2^64-1", hugeHeader(1<<64 - 1), ""},
		{"size of 0", hugeHeader(0), ""},
		{"larger than we take", hugeHeader(intakeSize), ""},
		{"broken header", joined(swap(intakeHeader, 46, 3), intakeOne), ""},
		{"no Data Object", joined(intakeHeader[:len(intakeHeader)-asfDataHead], intakeOne), ""},
		{"another header that is broken", joined(intakeHeader, intakeOne, swap(intakeOther, 46, 3)), "H 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := io.MultiReader(bytes.NewReader(tt.body), bytes.NewReader(make([]byte, 1<<20)))
			if got, err := hearAnswer(body); got != tt.heard || err == nil || err == io.ErrUnexpectedEOF {
				t.Errorf("%q, %v, want %q and an error", got, err, tt.heard)
			}
		})
	}
}

// What is made of bytes does not depend on how they arrive, and packets have the size that their header says.
func FuzzRawIntake(f *testing.F) {
	for _, tt := range rawCases {
		f.Add(tt.body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append(slices.Clone(asfHeader[:]), body[min(len(body), len(asfHeader)):]...)
		want, wantErr := hearAnswer(bytes.NewReader(body))
		got, err := hearAnswer(iotest.HalfReader(bytes.NewReader(body)))
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("in halves %q, %v, at once %q, %v", got, err, want, wantErr)
		}
		n := rawIntake{in: newWindow(bytes.NewReader(body), intakeSize)}
		for {
			e, err := n.next()
			if err != nil || e.kind == eventEnd {
				return
			}
			if e.kind == eventPacket && len(e.data) != n.size {
				t.Fatalf("packet of %d bytes, want %d", len(e.data), n.size)
			}
		}
	})
}

// One visit to an upstream with raw ASF: it is asked once, for the first answer is all of it.
func TestPullRaw(t *testing.T) {
	const a = "a.example:80"
	heads := map[string]string{
		"camera":         "HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\nContent-Length: -1\r\n\r\n",
		"Icecast":        "ICY 200 OK\r\nicy-name: x\r\n\r\n",
		"no type":        "HTTP/1.1 200\r\n\r\n",
		"web server":     "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n",
		"a type of MMSH": "HTTP/1.0 200 OK\r\nContent-Type: application/x-mms-framed\r\n\r\n",
		"FFmpeg":         ffmpegReply,
	}
	for name, head := range heads {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, "http://a.example/x")
				body := joined(intakeHeader, intakeOne, intakeTwo)
				if strings.Contains(head, "%d") {
					head = fmt.Sprintf(head, len(body))
				}
				s.hosts[a] = func(c *call) {
					if name == "FFmpeg" {
						body = chunks(body, 100)
					}
					c.say([]byte(head), body[:300])
					time.Sleep(10 * time.Second) // longer than a Describe may take
					c.say(body[300:])
				}
				if err := s.once(); err != io.EOF {
					t.Errorf("ended with %v, want EOF", err)
				}
				if got := s.requests(); !slices.Equal(got, []string{a + " describe"}) {
					t.Errorf("asked %q, want once", got)
				}
				if got := s.seen(); got != "h 1 2" {
					t.Errorf("stream got %q, want %q", got, "h 1 2")
				}
			})
		})
	}
}

// Raw upstreams fail over as others do, to raw and to framed ones: not one packet is missing.
func TestPullRawFailsOver(t *testing.T) {
	for _, second := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, w := newScene(t, urlA, urlB), newShow()
			s.hosts[hostA] = w.relay(relay{raw: true, burst: burst3, away: []span{{10 * time.Second, time.Hour}}})
			s.hosts[hostB] = w.relay(relay{raw: second, burst: burst3})
			stop := s.start()
			time.Sleep(20 * time.Second)
			stop()
			s.published().exact(t, w, 2*time.Second)
		})
	}
}

func TestPullRawOfAPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newSceneOf(t, StreamConfig{Pair: []string{urlA, urlB}, PairSwitch: Duration(500 * time.Millisecond)}),
			newShow()
		s.hosts[hostA] = w.relay(relay{raw: true, burst: burst3, silent: []span{{10 * time.Second, 15 * time.Second}}})
		s.hosts[hostB] = w.relay(relay{raw: true, burst: burst3, lag: 100 * time.Millisecond})
		stop := s.start()
		time.Sleep(20 * time.Second)
		stop()
		s.published().exact(t, w, time.Second)
	})
}

func TestPullRawOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newDemand(t)
		s.hosts[hostA] = w.relay(relay{raw: true, burst: burst3})
		stop := s.start()
		s.come()
		synctest.Wait()
		if got := s.requests(); s.st.currentState() != streamLive || len(got) != 1 {
			t.Errorf("state %v, asked %q", s.st.currentState(), got)
		}
		s.leave()
		time.Sleep(time.Minute)
		if s.st.currentState() != streamIdle {
			t.Errorf("state %v when nobody watches", s.st.currentState())
		}
		stop()
	})
}

// A file that ends is played again, from its beginning, with hardly a pause and with times that go on.
func TestPullFileAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA), newShow()
		body := bytes.Clone(w.header)
		for n := range 250 { // 10 s
			body = append(body, w.packet(n)...)
		}
		body = append(body, indexHead...)
		s.hosts[hostA] = func(c *call) {
			c.say(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body)), body)
		}
		stop := s.start()
		time.Sleep(45 * time.Second)
		stop()
		p := s.published()
		p.unbroken(t, time.Second)
		p.prompt(t, time.Second)
		if n := len(p.numbers[0]); len(p.numbers) != 1 || n < 42*25 {
			t.Errorf("%d packets in 45s, %d generations; want 42s of them at least", n, len(p.numbers))
		}
		if lead := time.Duration(p.sent[len(p.sent)-1]-p.sent[0])*time.Millisecond - p.at[len(p.at)-1].since(
			p.at[0]); lead > time.Second {
			t.Errorf("after 45s the times are %v ahead", lead)
		}
	})
}

// A file comes as fast as it is read; viewers get it at its own pace.
func TestPullFileKeepsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA), newShow()
		body := bytes.Clone(w.header)
		for n := range 500 { // 20 s
			body = append(body, w.packet(n)...)
		}
		s.hosts[hostA] = func(c *call) {
			c.say(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body)), body)
		}
		start := s.st.clock.now()
		err := s.once()
		if took := s.st.clock.now().since(start); err != io.EOF || took < 19*time.Second || took > 21*time.Second {
			t.Errorf("a file of 20s took %v, %v", took, err)
		}
		p := s.published()
		p.exact(t, w, time.Second)
		if n := len(p.numbers[0]); n != 500 {
			t.Errorf("%d packets, want all 500", n)
		}
	})
}
