package server

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// An encoder is a peer that pushes, as push.md describes Windows Media Encoder.
type encoder struct {
	*peer
	id   string
	next uint32
}

const (
	setupType = "application/x-wms-pushsetup"
	startType = "application/x-wms-pushstart"
	endless   = 2147483647
)

func (r *rig) encoder() *encoder { return &encoder{peer: r.connect()} }

func (e *encoder) post(kind, cookie string, length int, more string) {
	e.got = nil
	e.say(fmt.Sprintf("POST /streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nUser-Agent: WMEncoder/11.0\r\n"+
		"Cookie: other=1 ; push-id=%s\r\nContent-Length: %d\r\n%s\r\n", kind, cookie, length, more))
}

func (e *encoder) setUp() {
	e.rig.t.Helper()
	e.post(setupType, "0", 0, "")
	_, after, ok := strings.Cut(string(e.got), "push-id=")
	if !ok || !strings.Contains(e.status(), "204") {
		e.rig.t.Fatalf("setup: %q", e.got)
	}
	e.id, _, _ = strings.Cut(after, "\r\n")
}

func (e *encoder) start(length int) { e.post(startType, e.id, length, "") }

func (e *encoder) frame(kind byte, body []byte) { e.say(string(codec.AppendFrame(nil, kind, body))) }

func (e *encoder) header(width uint32) { e.frame('H', asftest.Header(asftest.PacketSize, width)) }

// push sends n packets with their padding cut off, as encoders do.
func (e *encoder) push(n int) {
	for range n {
		b := asftest.Packet(e.next, e.next*40, e.next%10 == 0, asftest.PacketSize, 500)
		b = b[:27+4+500]
		b[5], b[6] = 0, 0 // padding length
		e.frame('D', b)
		e.next++
		e.rig.pass(40 * time.Millisecond)
	}
	e.rig.turn()
}

func (e *encoder) end(reason uint32) { e.say(string(codec.AppendReason(nil, 'E', reason))) }

func startedPush(r *rig) *encoder {
	e := r.encoder()
	e.setUp()
	e.start(endless)
	e.header(320)
	return e
}

func TestPush(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(12)
	p := r.watch("a", ffmpegAgent)
	e.push(13)
	if got := r.read(p.body()); !slices.Equal(got.numbers, numbers(0, 25)) {
		t.Errorf("packets %v, want %v", got.numbers, numbers(0, 25))
	}
	if len(e.got) != 0 {
		t.Errorf("answered %q before the body is complete", e.got)
	}
	e.end(0)
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || !p.fin {
		t.Errorf("$E %d, FIN %v", got.ended, p.fin)
	}
	r.pass(6 * time.Second)
	r.turn()
	if !e.fin {
		t.Error("the encoder's connection is open 6 s after its $E")
	}
}

// The third-party pusher in C: no body in the setup, // before the path, and an $E without a reason at the end (push.md
// §10).
func TestPushOfAPusherInC(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	say := func(kind, cookie string, length int) {
		e.got = nil
		e.say(fmt.Sprintf("POST //streams/a_push HTTP/1.1\r\nContent-Type: %s\r\nUser-Agent: WMEncoder/12.0.10011.16384\r\n"+
			"Cookie: push-id=%s\r\nContent-Length: %d\r\n\r\n", kind, cookie, length))
	}
	say(setupType, "0", 0)
	_, after, _ := strings.Cut(string(e.got), "push-id=") // it looks for this, in lower case
	digits := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 1 || digits > 10 {
		t.Fatalf("push-id in %q, want 1 to 10 digits", e.got)
	}
	say(startType, after[:digits], endless)
	e.header(320)
	e.push(3)
	p := r.watch("a", ffmpegAgent)
	e.say("$E\x00\x00")
	r.turn()
	if got := r.read(p.body()); got.ended != 0 || !p.fin || len(e.got) > 0 {
		t.Errorf("$E %d, FIN %v, want 0 and FIN; the encoder was told %q", got.ended, p.fin, e.got)
	}
	if st := r.reg.Streams()[0]; st.State() != stream.Idle || st.Writer() != nil {
		t.Errorf("the stream is %s", st.State())
	}
}

// Frames come cut at any place, and chunked as an extension.
func TestPushInPieces(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		for _, step := range []int{1, 3, 700, 5000} {
			r := newRig(t, nil, "a")
			e := r.encoder()
			e.setUp()
			var body []byte
			body = codec.AppendFrame(body, 'H', asftest.Header(asftest.PacketSize, 320))
			for i := range uint32(3) {
				body = codec.AppendFrame(body, 'D', asftest.Packet(i, i*40, i == 0, asftest.PacketSize, 500))
				body = codec.AppendFrame(body, 'F', make([]byte, 77))
			}
			length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
			if chunked {
				length = "Transfer-Encoding: chunked\r\n"
				var c []byte
				for rest := body; len(rest) > 0; {
					n := min(len(rest), 333)
					c = fmt.Appendf(c, "%x\r\n%s\r\n", n, rest[:n])
					rest = rest[n:]
				}
				body = append(c, "0\r\n\r\n"...)
			}
			e.got = nil
			e.say("POST /streams/a_push HTTP/1.1\r\nContent-Type: " + startType + "\r\nCookie: push-id=" + e.id + "\r\n" +
				length + "\r\n")
			for len(body) > 0 {
				n := min(step, len(body))
				e.say(string(body[:n]))
				body = body[n:]
			}
			if !strings.Contains(e.status(), "204") || e.fin {
				t.Errorf("chunked %v, step %d: %q, FIN %v, want 204 and an open connection", chunked, step, e.status(), e.fin)
			}
			if n := r.reg.Streams()[0].Stats().PacketsIn.Load(); n != 3 {
				t.Errorf("chunked %v, step %d: %d packets, want 3", chunked, step, n)
			}
		}
	}
}

// A body that is used up is answered, and the next PushStart goes on without a header. 2 GB are 16 hours of a small
// stream.
func TestPushGoesOnInTheNextBody(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.setUp()
	header := codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320))
	first := codec.AppendFrame(nil, 'D', asftest.Packet(0, 0, true, asftest.PacketSize, 500))
	fill := codec.AppendFrame(nil, 'F', make([]byte, 100))
	e.start(len(header) + len(first) + len(fill))
	e.say(string(header) + string(first) + string(fill))
	if !strings.Contains(e.status(), "204") || !strings.Contains(string(e.got), "push-id="+e.id) {
		t.Fatalf("%q, want 204 with the push-id", e.got)
	}
	p := r.watch("a", ffmpegAgent)
	r.pass(100 * time.Second)
	e.next = 1
	e.start(endless)
	e.push(5)
	if got := r.read(p.body()); got.headers != 1 || !slices.Equal(got.numbers, numbers(0, 6)) {
		t.Errorf("%+v, want one header and packets 0 to 5", got)
	}
}

func TestEncoderStopsAndStartsOnOneConnection(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(3)
	e.end(0)
	e.setUp() // although the first body is not used up
	e.start(endless)
	e.header(320)
	e.next = 0
	e.push(3)
	if got := r.read(r.watch("a", ffmpegAgent).body()).numbers; !slices.Equal(got, numbers(0, 3)) {
		t.Errorf("packets %v, want %v", got, numbers(0, 3))
	}
}

func TestPushHeaderChange(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(3)
	p := r.watch("a", wmpAgent)
	e.end(1)
	r.turn()
	if got := r.read(p.body()); got.ended >= 0 || p.fin {
		t.Errorf("after $E(1): %+v, want nothing until $C", got)
	}
	e.frame('C', append([]byte{0, 0, 0, 0}, asftest.Header(asftest.PacketSize, 640)...))
	e.next = 10
	e.push(3)
	if got := r.read(p.body()); got.headers != 2 || len(got.numbers) != 6 {
		t.Errorf("%+v, want two headers and six packets", got)
	}
}

func TestPeerCastPush(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.say("POST /streams/a_push HTTP/1.1\r\nContent-Type: application/x-mms-framed\r\nContent-Length: 99999999\r\n\r\n")
	e.say(string(codec.AppendHeader(nil, asftest.Header(asftest.PacketSize, 320))))
	for i := range uint32(3) {
		b := asftest.Packet(i, i*40, i == 0, asftest.PacketSize, 500)
		frame := make([]byte, codec.PrefixLen, codec.PrefixLen+len(b))
		codec.PutDataPrefix(frame, 'D', i, uint8(i), len(b))
		e.say(string(append(frame, b...)))
	}
	if got := r.read(r.watch("a", ffmpegAgent).body()).numbers; !slices.Equal(got, numbers(0, 3)) {
		t.Errorf("packets %v, want %v; the encoder was told %q", got, numbers(0, 3), e.got)
	}
}

func TestPushErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		send   func(e *encoder)
		status string
	}{
		{"no $", func(e *encoder) { e.say("hello") }, "400"},
		{"packet before header", func(e *encoder) { e.push(1) }, "400"},
		{"header that is none", func(e *encoder) { e.frame('H', make([]byte, 200)) }, "400"},
		{"empty header", func(e *encoder) { e.frame('H', nil) }, "400"},
		{"short $E", func(e *encoder) { e.header(320); e.frame('E', []byte{0}) }, "400"},
		{"many bad packets", func(e *encoder) {
			e.header(320)
			for range 100 {
				e.frame('D', bytes.Repeat([]byte{0xFF}, 50))
			}
		}, "400"},
	} {
		r := newRig(t, nil, "a")
		e := r.encoder()
		e.setUp()
		e.got = nil
		e.start(endless)
		c.send(e)
		if !strings.Contains(e.status(), c.status) || !strings.Contains(string(e.got), "Server: Cougar/") || !e.fin {
			t.Errorf("%s: %q, FIN %v, want %s from Cougar and FIN", c.name, e.got, e.fin, c.status)
		}
	}
}

// FFmpeg sends raw ASF where somebody has it do so; whoever that was is told how to have frames.
func TestRawPush(t *testing.T) {
	for _, field := range []string{"Content-Length: 99999999", "Transfer-Encoding: chunked"} {
		r := newRig(t, nil, "a")
		e := r.encoder()
		head := string(asftest.Header(asftest.PacketSize, 320))
		if strings.HasPrefix(field, "Transfer") {
			head = fmt.Sprintf("%x\r\n%s\r\n", len(head), head)
		}
		e.say("POST /streams/a_push HTTP/1.1\r\n" + field + "\r\n\r\n" + head)
		if !strings.Contains(e.status(), "400") || !strings.Contains(string(e.got), "-f asf_stream") {
			t.Errorf("%s: %q, want 400 and how FFmpeg makes frames", field, e.got)
		}
	}
}

func TestBodyThatEndsInsideAFrame(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.setUp()
	e.start(100)
	e.header(320)
	if !strings.Contains(e.status(), "400") {
		t.Errorf("%q, want 400", e.status())
	}
}

func TestSilentEncoder(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(3)
	p := r.watch("a", ffmpegAgent)
	r.pass(50 * time.Second)
	e.frame('F', make([]byte, 10)) // filler is not data
	r.turn()
	if len(e.got) != 0 {
		t.Fatalf("%q after 50 s", e.got)
	}
	r.pass(11 * time.Second)
	r.turn()
	if !strings.Contains(e.status(), "408") || !e.fin {
		t.Errorf("%q, FIN %v, want 408 at once", e.status(), e.fin)
	}
	if p.fin {
		t.Error("the viewer was closed before the grace")
	}
}

func TestResumeWithoutHeader(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(15)
	p := r.watch("a", ffmpegAgent)
	e.frame('D', asftest.Packet(99, 0, true, asftest.PacketSize, 500)[:40]) // no room for its payload: counted, not sent
	e.hangUp()
	r.turn()
	again := &encoder{peer: r.connect(), id: e.id, next: 16}
	again.start(endless)
	again.push(10)
	want := append(numbers(0, 15), numbers(20, 26)...)
	if got := r.read(p.body()); got.headers != 1 || !slices.Equal(got.numbers, want) {
		t.Errorf("%+v, want packets %v; the encoder was told %q", got, want, again.got)
	}
	if n := r.reg.Streams()[0].Stats().BadPackets.Load(); n != 1 {
		t.Errorf("%d bad packets, want 1", n)
	}
}

func TestTakeover(t *testing.T) {
	r := newRig(t, nil, "a")
	old := startedPush(r)
	old.push(15)
	p := r.watch("a", ffmpegAgent)
	young := r.encoder()
	young.setUp()
	young.start(endless)
	old.push(2)
	if old.fin {
		t.Fatal("the old encoder was closed before the first header of the new one")
	}
	young.frame('H', make([]byte, 500))
	old.push(1)
	if old.fin || !strings.Contains(young.status(), "400") {
		t.Fatalf("a bad header took the stream over; %q", young.status())
	}
	young = r.encoder()
	young.setUp()
	young.start(endless)
	young.header(320)
	r.turn()
	if !strings.Contains(old.status(), "409") || !old.fin {
		t.Errorf("the old encoder: %q, FIN %v, want 409 and FIN", old.status(), old.fin)
	}
	young.next = 20
	young.push(5)
	r.turn()
	young.push(5)
	got := r.read(p.body())
	if want := append(numbers(0, 18), numbers(20, 30)...); got.headers != 1 || !slices.Equal(got.numbers, want) {
		t.Errorf("%+v, want %v", got, want)
	}
}

func TestSecondPushIsRefused(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].OnSecondPush = "refuse" }, "a")
	old := startedPush(r)
	old.push(5)
	young := r.encoder()
	young.post(setupType, "0", 0, "")
	if !strings.Contains(young.status(), "409") {
		t.Errorf("while the first delivers: %q, want 409", young.status())
	}
	r.pass(6 * time.Second)
	young = r.encoder()
	young.setUp()
	young.start(endless)
	young.header(320)
	r.turn()
	if !old.fin {
		t.Error("a first encoder that is silent for 6 s was not replaced")
	}
}

// Two that are let in before either has said anything: the stream is the first one's.
func TestSecondPushIsRefusedAtItsHeader(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].OnSecondPush = "refuse" }, "a")
	r.pass(time.Minute)
	first, second := r.encoder(), r.encoder()
	first.setUp()
	second.setUp()
	second.start(endless)
	first.start(endless)
	first.header(320)
	late := r.encoder()
	if late.post(setupType, "0", 0, ""); !strings.Contains(late.status(), "409") {
		t.Errorf("setup behind a header: %q, want 409", late.status())
	}
	second.header(320)
	r.turn()
	if !strings.Contains(second.status(), "409") || !second.fin || first.fin {
		t.Errorf("the second was told %q, FIN %v; the first one's FIN %v", second.status(), second.fin, first.fin)
	}
}

func TestPushAuthorisation(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].PushUsers = []auth.Secret{"encoder:secret"} }, "a")
	e := r.encoder()
	e.post(setupType, "0", 0, "")
	if !strings.Contains(e.status(), "401") || !strings.Contains(string(e.got), "WWW-Authenticate: Digest ") || e.fin {
		t.Fatalf("%q, FIN %v, want 401 with Digest and an open connection", e.got, e.fin)
	}
	if strings.Contains(string(e.got), "push-id") {
		t.Error("a 401 gives a push-id away")
	}
	e.post(setupType, "0", 0, "Authorization: Basic ZW5jb2Rlcjp3cm9uZw==\r\n") // encoder:wrong
	if !strings.Contains(e.status(), "401") {
		t.Errorf("wrong password: %q, want 401", e.status())
	}
	e.post(setupType, "0", 0, "Authorization: Basic ZW5jb2RlcjpzZWNyZXQ=\r\n")
	if !strings.Contains(e.status(), "204") {
		t.Fatalf("right password: %q, want 204", e.status())
	}
	_, after, _ := strings.Cut(string(e.got), "push-id=")
	e.id, _, _ = strings.Cut(after, "\r\n")
	e.start(endless)
	e.header(320)
	e.push(3)
	if r.reg.Streams()[0].Up() == nil {
		t.Errorf("a PushStart with the push-id of an authorised setup was not let in: %q", e.got)
	}
	thief := r.encoder()
	thief.post(startType, "12345", endless, "")
	if !strings.Contains(thief.status(), "401") || !thief.fin {
		t.Errorf("unknown push-id: %q, FIN %v, want 401 and FIN", thief.status(), thief.fin)
	}
}

func TestPushToAStreamWithItsOwnSource(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].Type = config.TypeFile }, "a")
	for _, path := range []string{"/streams/a_push", "/streams/a"} {
		for _, kind := range []string{setupType, startType} {
			p := r.connect()
			p.say("POST " + path + " HTTP/1.1\r\nContent-Type: " + kind + "\r\nContent-Length: 0\r\n\r\n")
			if !strings.Contains(p.status(), "403") {
				t.Errorf("%s to %s: %q, want 403", kind, path, p.status())
			}
		}
	}
}

// The session of a setup that no start follows ends with its connection, after push_setup and not before: push.md §5.
func TestSetupThatIsNotStarted(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.setUp()
	e.got = nil
	r.pass(119 * time.Second)
	r.turn()
	if e.fin {
		t.Error("closed before push_setup was over")
	}
	r.pass(2 * time.Second)
	r.turn()
	if !e.fin || len(e.got) != 0 {
		t.Errorf("after it: FIN %v, %q, want a close without a word", e.fin, e.got)
	}
}

// $E(1) promises a $C, for which there is as much time as for anything else: only its silence ends a push.
func TestEncoderBetweenTwoEntries(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(3)
	e.end(1)
	r.pass(50 * time.Second)
	r.turn()
	if e.fin {
		t.Fatal("closed 50 s after $E(1)")
	}
	r.pass(11 * time.Second)
	r.turn()
	if !strings.Contains(e.status(), "408") {
		t.Errorf("61 s after $E(1): %q, want 408", e.status())
	}
}

// After its $E an encoder has some seconds from then on, whatever it sent before and however it fills its body up.
func TestEncoderAfterItsEnd(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(3)
	r.pass(30 * time.Second)
	e.end(0)
	e.frame('F', make([]byte, 100))
	r.pass(4 * time.Second)
	r.turn()
	if e.fin {
		t.Fatal("closed 4 s after $E")
	}
	e.setUp() // filler does not hide the next request
	e.start(endless)
	e.header(320)
	e.end(0)
	r.pass(6 * time.Second)
	r.turn()
	if !e.fin || len(e.got) != 0 {
		t.Errorf("6 s after $E: FIN %v, %q, want a close without a word", e.fin, e.got)
	}
}

// Only a header takes a stream over, and only from its own encoder may packets go on without one: push.md §5, §7.
func TestPacketsOfAStrangerDisturbNobody(t *testing.T) {
	r := newRig(t, nil, "a")
	old := startedPush(r)
	old.push(3)
	young := r.encoder()
	young.setUp()
	young.start(endless)
	young.next = 50
	young.push(1)
	if !strings.Contains(young.status(), "400") || old.fin {
		t.Errorf("a packet without a header: %q, want 400; the old encoder: FIN %v, want false", young.status(), old.fin)
	}
	// The link of the old one breaks without a sign, and it comes back.
	again := &encoder{peer: r.connect(), id: old.id, next: 10}
	again.start(endless)
	again.push(1)
	r.turn()
	again.push(4)
	if !strings.Contains(old.status(), "409") || len(again.got) != 0 {
		t.Errorf("it came back: the old connection was told %q, want 409, the new one %q, want nothing", old.got, again.got)
	}
	if got := r.read(r.watch("a", ffmpegAgent).body()); got.headers != 1 || !slices.Equal(got.numbers,
		append(numbers(0, 3), numbers(10, 15)...)) {
		t.Errorf("%+v, want packets 0 to 2 and 10 to 14", got)
	}
}

// An encoder that comes back without its header goes on with the one it gave, whatever has been there meanwhile; but
// not into what another encoder sends now.
func TestResumeAfterAnotherHeader(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	e.push(3)
	p := r.watch("a", wmpAgent)
	e.hangUp()
	evicted := false
	other, err := r.reg.Streams()[0].Claim(stream.Claim{Kind: stream.Slate, Who: "test", Evict: func() { evicted = true }})
	if err != nil {
		t.Fatal(err)
	}
	f := &feeder{rig: r, src: other, next: 100}
	f.header(640)
	f.publish(3)
	again := &encoder{peer: r.connect(), id: e.id, next: 8}
	again.start(endless)
	again.push(2)
	if evicted {
		t.Fatal("the slate was to let go before there was a key frame")
	}
	again.push(1)
	if !evicted {
		t.Fatal("the slate was not to let go at the key frame")
	}
	other.Yield()
	r.turn()
	again.push(1)
	if got := r.read(p.body()); got.headers != 3 || !slices.Equal(got.numbers, append(numbers(0, 3), 100, 101, 102, 10,
		11)) {
		t.Errorf("%+v, want the encoder's header, the slate's, and the encoder's again with its key frame; told %q", got,
			again.got)
	}
	young := r.encoder()
	young.setUp()
	young.start(endless)
	young.header(640)
	young.push(3)
	r.turn()
	late := &encoder{peer: r.connect(), id: e.id, next: 20}
	late.start(endless)
	late.push(1)
	if !strings.Contains(late.status(), "400") || young.fin {
		t.Errorf("in the stream of another encoder: %q, want 400; that one: FIN %v, want false", late.status(), young.fin)
	}
}

// What a push-id stands for ends with the push, or with the time in which a lost encoder may come back: push.md §5. The
// connection on which it was proved keeps what it stood for, as long as the body may be.
func TestPushSessionsEnd(t *testing.T) {
	const right = "Authorization: Basic ZW5jb2RlcjpzZWNyZXQ=\r\n" // encoder:secret
	start := func(t *testing.T) (*rig, *encoder) {
		r := newRig(t, func(c *config.Config) { c.Streams[0].PushUsers = []auth.Secret{"encoder:secret"} }, "a")
		e := r.encoder()
		e.post(setupType, "0", 0, right)
		_, after, _ := strings.Cut(string(e.got), "push-id=")
		e.id, _, _ = strings.Cut(after, "\r\n")
		header := codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320))
		e.start(len(header) + 4*104)
		e.say(string(header))
		return r, e
	}
	again := func(r *rig, id string) *encoder {
		e := &encoder{peer: r.connect(), id: id}
		e.start(endless)
		return e
	}
	for _, c := range []struct {
		name string
		ends func(r *rig, e *encoder)
		good bool
	}{
		{"$E", func(r *rig, e *encoder) { e.end(0) }, false},
		{"silent", func(r *rig, e *encoder) { r.pass(61 * time.Second); r.turn() }, false},
		{"lost", func(r *rig, e *encoder) { e.hangUp(); r.pass(50 * time.Second) }, true},
		{"lost for too long", func(r *rig, e *encoder) { e.hangUp(); r.pass(61 * time.Second) }, false},
		{"lost between two bodies", func(r *rig, e *encoder) {
			for range 4 {
				e.frame('F', make([]byte, 100))
			}
			e.hangUp()
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, e := start(t)
			c.ends(r, e)
			e = again(r, e.id)
			if e.fin == c.good || !c.good && !strings.Contains(e.status(), "401") {
				t.Errorf("a start with its push-id: %q, FIN %v; want it to be let in: %v", e.status(), e.fin, c.good)
			}
		})
	}
	t.Run("goes on after days", func(t *testing.T) {
		r, e := start(t)
		r.pass(48 * time.Hour)
		for range 4 {
			e.frame('F', make([]byte, 100))
		}
		if e.start(endless); len(e.got) != 0 {
			t.Errorf("the next body, two days later: %q, want no answer yet", e.got)
		}
	})
}

// The answer to a body is about its request, not about what the loop served last.
func TestAnswerToABodyIsItsOwn(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.setUp()
	header := codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320))
	e.start(len(header))
	r.watch("a", ffmpegAgent) // HTTP/1.0
	e.say(string(header))
	if e.status() != "HTTP/1.1 204 No Content" {
		t.Errorf("the body is complete: %q, want HTTP/1.1 204", e.status())
	}
}

// A body's answer keeps the connection if its request asked for that.
func TestStartThatIsTheLast(t *testing.T) {
	r := newRig(t, nil, "a")
	e := r.encoder()
	e.setUp()
	header := codec.AppendFrame(nil, 'H', asftest.Header(asftest.PacketSize, 320))
	e.post(startType, e.id, len(header), "Connection: close\r\n")
	e.say(string(header))
	if !strings.Contains(e.status(), "204") || !strings.Contains(string(e.got), "Connection: close\r\n") || !e.fin {
		t.Errorf("%q, FIN %v, want 204, close and FIN", e.got, e.fin)
	}
}

// An encoder that sends headers all the time is told why it has to go.
func TestRestlessEncoder(t *testing.T) {
	r := newRig(t, nil, "a")
	e := startedPush(r)
	for i := range uint32(40) {
		e.header(i)
	}
	if !strings.HasPrefix(e.status(), "HTTP/1.1 400") || !strings.Contains(string(e.got), "too many headers") || !e.fin {
		t.Errorf("%q, FIN %v, want 400", e.got, e.fin)
	}
}
