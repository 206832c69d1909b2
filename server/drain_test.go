package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pumpd/server/admission"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/via"
)

// Viewers go evenly over the time, each with the end of its stream, and pumps with a FIN alone.
func TestDrainIsSpread(t *testing.T) {
	const viewers, long = 100, 10 * time.Second
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(1)
	var peers []*peer
	for range viewers {
		peers = append(peers, r.watch("a", ffmpegAgent))
	}
	pump := r.watch("a", wmpAgent+"\r\nVia: 1.0 "+via.Prefix+"1")
	begin := r.at
	r.loop.tell(func(now clock.Instant) { r.loop.drain(begin.Add(long), now) })
	gone := func() (n int) {
		for _, p := range peers {
			if p.fin {
				n++
			}
		}
		return n
	}
	for ; r.at.Since(begin) < long; r.pass(choreInterval) {
		r.turn()
		want := int(viewers * r.at.Since(begin) / long)
		if n := gone(); r.at.Since(begin) < long-choreInterval && (n < want-1 || n > want+2) {
			t.Errorf("%d are gone after %v, want about %d", n, r.at.Since(begin), want)
		}
	}
	if n := gone(); n != viewers || !pump.fin || len(r.loop.draining.left) != 0 {
		t.Errorf("%d and pump %v are gone at the end, want all", n, pump.fin)
	}
	for _, p := range peers {
		if got := r.read(p.body()); got.ended != 0 {
			t.Errorf("a viewer got $E %d, want 0", got.ended)
		}
	}
	if got := r.read(pump.body()); got.ended != -1 {
		t.Errorf("a pump got $E %d, want a FIN alone", got.ended)
	}
	if n := r.reg.Streams()[0].Stats().Left[reason.ShuttingDown].Load(); n != viewers+1 {
		t.Errorf("%d left because of the end, want %d", n, viewers+1)
	}
}

// Newcomers are sent to a sibling, or told to come again; so are those who waited for a stream.
func TestDrainLetsNobodyIn(t *testing.T) {
	for _, c := range []struct {
		siblings []string
		status   string
	}{
		{nil, "503"},
		{[]string{"mmsh://b.example:8086"}, "302"},
	} {
		r := newRig(t, func(cfg *config.Config) {
			cfg.Server.Siblings = c.siblings
			cfg.Streams[1].Hold = config.Duration(time.Minute)
		}, "a", "b")
		r.feeder(0, 320).publish(1)
		waits := r.watch("b", wmpAgent)
		r.loop.node.ledger.Shut(admission.Draining, true)
		r.loop.drain(r.at.Add(time.Minute), r.at)
		r.turn()
		late := r.watch("a", wmpAgent)
		retry := bytes.Contains(late.got, []byte("Retry-After: "))
		if !strings.Contains(late.status(), c.status) || c.siblings == nil && !retry {
			t.Errorf("a newcomer: %q, want %s", late.got, c.status)
		}
		if !strings.Contains(waits.status(), c.status) && !strings.Contains(waits.status(), "503") {
			t.Errorf("who waited: %q, want %s", waits.got, c.status)
		}
	}
}

// A drain ends when nobody watches any more; the encoder goes on until then.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, func(c *config.Config) { c.Timeouts.Drain = config.Duration(time.Hour) })
	encoder := pushTo(t, r.at)
	stays := dial(t, r.at)
	fmt.Fprintf(stays, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", ffmpegAgent)
	if _, err := io.ReadFull(stays, make([]byte, 500)); err != nil {
		t.Fatal(err)
	}
	if long := r.Drain(); long != time.Hour || r.Drain() != long {
		t.Errorf("a drain of %v, want 1h", long)
	}
	r.until("newcomers are refused", func() bool { return r.ask("/streams/a") == 503 })
	if s := r.reg.Streams()[0].Writer(); s == nil {
		t.Error("the encoder is gone before its viewers")
	}
	stays.Close()
	if line, err := bufio.NewReader(encoder).ReadString('\n'); !strings.Contains(line, "503") {
		t.Errorf("the encoder: %q, %v, want 503 at the end", line, err)
	}
	r.until("it has stopped", func() bool {
		c, err := net.Dial("tcp", r.at.String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}
