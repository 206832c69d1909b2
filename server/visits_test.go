package server

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/accesslog"
	"pumpd/server/config"
)

// A line of the access log, as far as it is tested here.
type visitLine struct {
	Event, From, Host, Path, Agent, Dialect, Reason string
	ID                                              uint32
	Bytes                                           uint64
	Seconds, Lag                                    float64
	Skips                                           int
	Report                                          map[string]any
}

// A visitBook is an access log that the test reads.
type visitBook struct {
	log *accesslog.Log
	mu  sync.Mutex
	out bytes.Buffer
}

func (b *visitBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

// visitsTo gives a rig an access log.
func (r *rig) visitsTo() *visitBook {
	r.t.Helper()
	b := &visitBook{log: accesslog.New(accesslog.Stdout, "json", r.loop.log)}
	r.loop.node.visits = b.log
	return b
}

// lines has all written that waits, however long a busy machine takes for it: no time passes in a bubble meanwhile. It
// is for once.
func (b *visitBook) lines(t *testing.T) (list []visitLine) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if err := b.log.Start("pumpd", b); err != nil {
			t.Fatal(err)
		}
		b.log.Close()
	})
	for line := range strings.Lines(b.out.String()) {
		var v visitLine
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		list = append(list, v)
	}
	return list
}

// Who leaves is one line of the access log, and none of the log but at debug.
func TestVisit(t *testing.T) {
	r := newRig(t, nil, "a")
	log := r.listen()
	book := r.visitsTo()
	f := r.feeder(0, 320)
	f.publish(5)
	p := r.connect()
	p.say("GET /streams/A?secret=x HTTP/1.1\r\nHost: pump.example:8086\r\nUser-Agent: " + wmpAgent +
		"\r\nPragma: xPlayStrm=1\r\n\r\n")
	log.Has(t, "DEBUG viewer joined", "stream=a", "from=192.0.2.1:1001")
	p.room = 0
	r.pass(1500 * time.Millisecond)
	f.publish(1)
	r.turn()
	r.pass(time.Second)
	f.publish(1)
	r.turn()
	p.hangUp()
	log.Has(t, "DEBUG viewer left", "reason=client_closed", "stream=a")
	if n := log.Count("INFO viewer left"); n != 0 {
		t.Errorf("%d lines of the log, want none", n)
	}
	got := book.lines(t)
	if len(got) != 1 {
		t.Fatalf("%d lines, want one", len(got))
	}
	v := got[0]
	if v.Bytes == 0 || v.ID == 0 || v.Seconds < 2.5 || v.Lag < 1 {
		t.Errorf("%+v: want some bytes, a client-id, 2.5 s and a lag of a second", v)
	}
	v.Bytes, v.ID, v.Seconds, v.Lag = 0, 0, 0, 0
	want := visitLine{Event: "left", From: "192.0.2.1:1001", Host: "pump.example:8086", Path: "/streams/a",
		Agent: wmpAgent, Dialect: "nsplayer_9", Reason: "client_closed"}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got %+v, want %+v", v, want)
	}
}

// Everybody who still watches has a line each interval, and not all of them at once.
func TestVisitsInTheMiddle(t *testing.T) {
	const viewers, interval = 40, 10 * time.Second
	r := newRig(t, func(c *config.Config) { c.Server.AccessInterval = config.Duration(interval) }, "a")
	book := r.visitsTo()
	f := r.feeder(0, 320)
	f.publish(5)
	for range viewers {
		r.watch("a", ffmpegAgent)
	}
	r.connect() // watches nothing
	most := 0
	for range 3 * interval / choreInterval {
		before := r.loop.reported.next
		r.pass(choreInterval)
		r.turn()
		most = max(most, r.loop.reported.next-before)
	}
	lines := map[string]int{}
	for _, v := range book.lines(t) {
		if v.Event != "watching" || v.Reason != "" || v.Bytes == 0 {
			t.Fatalf("got %+v", v)
		}
		lines[v.From]++
	}
	if len(lines) != viewers || most > 3 {
		t.Errorf("%d viewers have lines, want %d; %d at once, want 3 at the most", len(lines), viewers, most)
	}
	for from, n := range lines {
		if n < 2 || n > 3 {
			t.Errorf("%s: %d lines in three intervals", from, n)
		}
	}
}
