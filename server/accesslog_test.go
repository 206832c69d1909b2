package server

import (
	"log/slog"
	"strings"
	"testing"

	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/logging"
	"pumpd/server/logging/logtest"
	"pumpd/server/stream"
)

// listen gives a rig a log that the test reads.
func (r *rig) listen() *logtest.Book {
	b := &logtest.Book{}
	r.logs.Handler = b
	return b
}

// A takeover says who has replaced whom; neither of them is lost.
func TestTakeoverIsLogged(t *testing.T) {
	r := newRig(t, nil, "a")
	log := r.listen()
	old := startedPush(r)
	old.push(3)
	young := startedPush(r)
	r.turn()
	r.turn()
	log.Has(t, "INFO source takes the stream over", "source=push", "from="+young.conn.remote.String(),
		"replaces="+old.conn.remote.String())
	if n := log.Count("WARN"); n > 0 {
		t.Errorf("warnings: %q", log.Text())
	}
}

func TestSlateGivesWayInTheLog(t *testing.T) {
	r := newRig(t, nil, "a")
	log := r.listen()
	var slate *stream.Source
	evict := func() { r.loop.tell(func(clock.Instant) { slate.Yield() }) }
	slate, err := r.reg.Streams()[0].Claim(stream.Claim{Kind: stream.Slate, Who: "slate", Evict: evict})
	if err != nil {
		t.Fatal(err)
	}
	startedPush(r).push(1)
	r.turn()
	r.turn()
	log.Has(t, "INFO source takes the stream over", "source=push", "replaces=slate")
}

// Whoever is turned away leaves a line at debug that says why.
func TestRefusalsAreLogged(t *testing.T) {
	const setup = "_push HTTP/1.1\r\nContent-Type: " + setupType + "\r\nContent-Length: 0\r\n\r\n"
	for _, c := range []struct {
		name, request, status, target string
	}{
		{"no such stream", "GET /streams/none HTTP/1.0\r\n\r\n", "404", "/streams/none"},
		{"no such push", "POST /streams/none" + setup, "404", "/streams/none_push"},
		{"not up", "GET /streams/a HTTP/1.0\r\n\r\n", "503", "/streams/a"},
		{"credentials", "POST /streams/b" + setup, "401", "/streams/b_push"},
		{"method", "PUT /streams/a HTTP/1.0\r\n\r\n", "405", "/streams/a"},
		{"no request", "nonsense\r\n\r\n", "400", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(c *config.Config) { c.Streams[1].PushUsers = []auth.Secret{"encoder:secret"} }, "a", "b")
			log := r.listen()
			p := r.connect()
			p.say(c.request)
			if !strings.Contains(p.status(), c.status) {
				t.Errorf("answered %q, want %s", p.status(), c.status)
			}
			log.Has(t, "DEBUG request refused", "from=192.0.2.1:1001", "status="+c.status, "target="+c.target, "err=")
			if n := log.Count(""); n != 1 {
				t.Errorf("%d lines: %q", n, log.Text())
			}
		})
	}
}

func TestSecondPushRefusalIsLogged(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].OnSecondPush = "refuse" }, "a")
	log := r.listen()
	startedPush(r).push(3)
	r.encoder().post(setupType, "0", 0, "")
	log.Has(t, "DEBUG request refused", "status=409")
}

// Nobody needs to act on a source that goes because the server does.
func TestNoSourceIsLostByStopping(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	log := r.listen()
	startedPush(r).push(3)
	between := r.encoder()
	between.setUp()
	r.loop.tell(r.loop.stop)
	r.turn()
	r.turn()
	if n := log.Count("WARN"); n > 0 {
		t.Errorf("%d warnings: %q", n, log.Text())
	}
}

// The gate says each time that it is full; the log's limit makes one line and a count of them.
func TestFullGateIsLogged(t *testing.T) {
	log := &logtest.Book{}
	g := newGate(&budget{connections: 1}, slog.New(log))
	for range 4 {
		g.enter(testClient, 1)
	}
	if n := log.Count("WARN " + logging.Full); n != 3 || g.refused.Load() != 3 {
		t.Errorf("%d lines, %d refused, want 3, 3", n, g.refused.Load())
	}
}
