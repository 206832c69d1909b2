package server

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"pumpd/server/clock"
)

// There is one for each viewer, and Go gives it 160 bytes or 176.
func TestConnIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(conn{}); size > 160 {
		t.Errorf("a conn has %d bytes, want at most 160", size)
	}
}

// Clients of other protocols wait for us to say something. They are answered at once, not when the time for a request
// is over.
func TestFirstWords(t *testing.T) {
	for _, c := range []struct{ name, say, status string }{
		{"TLS", "\x16\x03\x01\x00\xA5\x01\x00\x00\xA1\x03\x03", "HTTP/1.1 400"},
		{"one byte of TLS", "\x16", "HTTP/1.1 400"},
		{"SSH", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400"},
		{"HTTP/0.9", "GET /streams/a\r\n", "HTTP/1.1 505"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505"},
		{"a frame", "$H\x00\x00", ""}, // $ could be a method
		{"a byte", "G", ""},
		{"a request line", "GET /streams/a HTTP/1.0\r\n", ""},
		{"a blank line", "\r\n", ""},
	} {
		r := newRig(t, nil, "a")
		p := r.connect()
		p.say(c.say)
		if !strings.HasPrefix(p.status(), c.status) || (c.status == "") != (len(p.got) == 0) || p.fin != (c.status != "") {
			t.Errorf("%s: %q, FIN %v, want %q", c.name, p.got, p.fin, c.status)
		}
		r.pass(11 * time.Second)
		r.turn()
		if c.status == "" && !strings.HasPrefix(p.status(), "HTTP/1.1 408") {
			t.Errorf("%s: %q after 11 s, want 408", c.name, p.got)
		}
	}
}

// Some clients leave empty lines before a request. It does not matter in which pieces they come.
func TestEmptyLinesInPieces(t *testing.T) {
	const whole = "\r\n\r\n\r\n\r\nGET /streams/a HTTP/1.0\r\nUser-Agent: " + ffmpegAgent + "\r\n\r\n"
	for at := range len(whole) {
		r := newRig(t, nil, "a")
		r.feeder(0, 320).publish(1)
		p := r.connect()
		p.say(whole[:at])
		p.say(whole[at:])
		if !strings.HasPrefix(p.status(), "HTTP/1.0 200") {
			t.Errorf("cut at %d: %q", at, p.status())
		}
	}
}

// The head of a request whose body comes byte by byte is read when it is whole, and when the body is.
func TestHeadIsNotReadForEachByteOfTheBody(t *testing.T) {
	r := newRig(t, nil, "a")
	p := r.connect()
	p.say("POST /streams/a HTTP/1.1\r\nContent-Type: application/x-wms-LogStats\r\nContent-Length: 5\r\n\r\n")
	r.loop.request.Method = nil
	for range 4 {
		p.say("x")
		r.turn()
	}
	if r.loop.request.Method != nil {
		t.Error("the head was read again")
	}
	p.say("x")
	if !strings.HasPrefix(p.status(), "HTTP/1.1 204") {
		t.Errorf("%q, want 204", p.got)
	}
}

// A conn that asks for a lot at once gets all of it, but not before others had their turn.
func TestManyRequestsAtOnce(t *testing.T) {
	const options = "OPTIONS * HTTP/1.1\r\nConnection: Keep-Alive\r\n\r\n"
	r := newRig(t, nil, "a")
	p := r.connect()
	answers := func() int { return strings.Count(string(p.got), "HTTP/1.1 200 OK") }
	p.say(strings.Repeat(options, 100))
	if n := answers(); n != atOnce {
		t.Errorf("%d answers at once, want %d", n, atOnce)
	}
	p.say(options)
	for range 10 {
		r.turn()
	}
	if n := answers(); n != 101 || p.fin {
		t.Errorf("%d answers, FIN %v, want 101 and none", n, p.fin)
	}
	p.say(strings.Repeat(options, 2*maxUnserved/len(options)))
	if !p.fin {
		t.Error("may go on with more than is let wait")
	}
}

// While somebody pipelines, the queue has a fifth of the loop's time; who has waited for a stream has it all.
func TestQueueRests(t *testing.T) {
	const options = "OPTIONS * HTTP/1.1\r\nConnection: Keep-Alive\r\n\r\n"
	r := newRig(t, nil, "a")
	r.now = func() clock.Instant {
		r.at = r.at.Add(100 * time.Microsecond) // whatever looks at the clock takes some time
		return r.at
	}
	p := r.connect()
	p.say(strings.Repeat(options, 200))
	answers := func() int { return strings.Count(string(p.got), "HTTP/1.1 200 OK") }
	r.turn()
	had, until := answers(), r.loop.resting
	if had < queueRequests || !r.at.Before(until) {
		t.Fatalf("%d answers, and it rests until %d at %d", had, until, r.at)
	}
	if r.turn(); answers() != had {
		t.Errorf("%d answers more while it rests", answers()-had)
	}
	r.at = until
	if r.turn(); answers() == had {
		t.Error("no more answers when it has rested")
	}
}

// Who goes on sending after it was refused is not listened to for long.
func TestClosingConnTakesSoMuch(t *testing.T) {
	r := newRig(t, nil, "a")
	p := r.connect()
	p.say("nonsense\r\n\r\n")
	chunk := strings.Repeat("x", 64<<10)
	for sent := 0; sent < maxThrown; sent += len(chunk) {
		if p.gone {
			t.Fatalf("closed after %d bytes, want %d to be taken", sent, maxThrown)
		}
		p.say(chunk)
	}
	if p.say(chunk); !p.gone || !p.reset {
		t.Errorf("closed %v, reset %v after more than %d bytes, want a reset", p.gone, p.reset, maxThrown)
	}
}
