package server

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
)

func holdFor(d time.Duration) func(*config.Config) {
	return func(c *config.Config) { c.Streams[0].Hold = config.Duration(d) }
}

func TestHeldViewerIsServedWhenTheStreamComesUp(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	st := r.reg.streams[0]
	mmsh, raw, gone := r.watch("a", ffmpegAgent), r.watch("a", curlAgent), r.watch("a", ffmpegAgent)
	if len(mmsh.got) > 0 || mmsh.fin || st.watched() != 3 || len(st.wanted) != 1 {
		t.Fatalf("%q, FIN %v, %d wait; want silence, three waiting and the source told", mmsh.got, mmsh.fin, st.watched())
	}
	gone.hangUp()
	r.pass(9 * time.Second)
	r.turn()
	f := r.feeder(0, 320)
	f.publish(2)
	r.turn()
	if got := r.read(mmsh.body()); got.headers != 1 || !slices.Equal(got.numbers, numbers(0, 2)) {
		t.Errorf("%+v, want the header and two packets", got)
	}
	if n := len(raw.body()); n != len(st.up().gen.header.Raw)+2*asftest.PacketSize {
		t.Errorf("raw: %d bytes", n)
	}
	if n := len(r.loop.audiences[0].held); st.watched() != 2 || n != 0 {
		t.Errorf("%d watch, %d held, want 2 and 0", st.watched(), n)
	}
}

func TestHoldEnds(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	p := r.watch("a", ffmpegAgent)
	r.pass(11 * time.Second)
	r.turn()
	if !strings.Contains(p.status(), "503") || !p.fin || r.reg.streams[0].watched() != 0 {
		t.Errorf("%q, FIN %v, %d wait; want 503", p.status(), p.fin, r.reg.streams[0].watched())
	}
}

func TestHeldViewerMustNotTalk(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	p := r.watch("a", ffmpegAgent)
	p.say(strings.Repeat("x", maxUnserved))
	r.turn()
	if !p.fin || r.reg.streams[0].watched() != 0 {
		t.Error("a held viewer may send as much as it likes")
	}
}

// slateOf is a slate that one step of the clock after another plays.
func slateFor(t *testing.T, r *rig, then func(st *stream)) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		st := r.reg.streams[0]
		r.now = func() clock.Instant { return clock.Instant(time.Since(start)) }
		st.cfg.Slate, st.cfg.SlateAfter = config.SlateBuiltin, config.Duration(3*time.Second)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { runSlate(ctx, st); close(done) }()
		then(st)
		cancel()
		<-done
	})
}

func TestSlatePlaysWhileTheSourceIsAway(t *testing.T) {
	r := newRig(t, nil, "a")
	slateFor(t, r, func(st *stream) {
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if st.up() != nil {
			t.Error("the slate plays before slate_after")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if st.up() == nil || st.Owner().Kind() != sourceSlate {
			t.Fatal("no slate after slate_after")
		}
		r.at = st.clock.Now()
		e := r.encoder()
		e.setUp()
		e.start(endless)
		e.header(320)
		e.frame('D', asftest.Packet(1, 40, false, asftest.PacketSize, 500))
		synctest.Wait()
		if st.Owner().Kind() != sourceSlate {
			t.Error("the slate ended before the source's first key frame")
		}
		e.frame('D', asftest.Packet(10, 400, true, asftest.PacketSize, 500))
		synctest.Wait()
		r.turn() // the claim has come
		if own := st.Owner(); own == nil || own.Kind() != sourcePush || !bytes.Equal(st.up().gen.header.Raw,
			asftest.Header(asftest.PacketSize, 320)) {
			t.Errorf("owner %+v; want the encoder at its key frame; it was told %q", own, e.got)
		}
		if last := newest(st.joins.Load().start); last.kind != packetElement || asftest.Number(last.full) != 10 {
			t.Error("the key frame was not published")
		}
		e.hangUp()
		last := st.stats.generations.Load()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if own := st.Owner(); own == nil || own.Kind() != sourceSlate || st.stats.generations.Load() == last {
			t.Errorf("the slate does not come again: owner %+v, %d generations more", own, st.stats.generations.Load()-last)
		}
	})
}
