package server

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/play"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

func holdFor(d time.Duration) func(*config.Config) {
	return func(c *config.Config) { c.Streams[0].Hold = config.Duration(d) }
}

func TestHeldViewerIsServedWhenTheStreamComesUp(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	st := r.reg.Streams()[0]
	mmsh, raw, gone := r.watch("a", ffmpegAgent), r.watch("a", curlAgent), r.watch("a", ffmpegAgent)
	if len(mmsh.got) > 0 || mmsh.fin || st.Watched() != 3 || len(st.Wanted()) != 1 {
		t.Fatalf("%q, FIN %v, %d wait; want silence, three waiting and the source told", mmsh.got, mmsh.fin, st.Watched())
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
	if n := len(raw.body()); n != len(st.Up().Gen.Header().Raw)+2*asftest.PacketSize {
		t.Errorf("raw: %d bytes", n)
	}
	if n := len(r.loop.held[r.reg.Streams()[0]]); st.Watched() != 2 || n != 0 {
		t.Errorf("%d watch, %d held, want 2 and 0", st.Watched(), n)
	}
}

func TestHoldEnds(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	p := r.watch("a", ffmpegAgent)
	r.pass(11 * time.Second)
	r.turn()
	if !strings.Contains(p.status(), "503") || !p.fin || r.reg.Streams()[0].Watched() != 0 {
		t.Errorf("%q, FIN %v, %d wait; want 503", p.status(), p.fin, r.reg.Streams()[0].Watched())
	}
}

// A reload may change hold at any moment, also while a request is served. Whoever is refused has no seat then, and
// whoever waits has one.
func TestHoldChangesMeanwhile(t *testing.T) {
	r := newRig(t, holdFor(time.Second), "a")
	st := r.reg.Streams()[0]
	with, without := *st.Config(), *st.Config()
	without.Hold = 0
	server := config.Default().Server
	var over atomic.Bool
	var reloads sync.WaitGroup
	reloads.Go(func() {
		for !over.Load() {
			st.Configure(&without, &server)
			st.Configure(&with, &server)
		}
	})
	refused, waited := 0, 0
	for more := 5000; more > 0 || refused == 0 || waited == 0; more-- {
		p := r.watch("a", ffmpegAgent)
		seats := r.loop.node.ledger.View().Viewers
		if p.fin {
			refused++
		} else {
			waited++
			seats--
		}
		if seats != 0 {
			t.Errorf("refused: %v, and %d seats too many are taken", p.fin, seats)
			break
		}
		p.hangUp()
		delete(r.peers, int(p.conn.fd))
	}
	over.Store(true)
	reloads.Wait()
}

func TestHeldViewerMustNotTalk(t *testing.T) {
	r := newRig(t, holdFor(10*time.Second), "a")
	p := r.watch("a", ffmpegAgent)
	p.say(strings.Repeat("x", maxUnserved))
	r.turn()
	if !p.fin || r.reg.Streams()[0].Watched() != 0 {
		t.Error("a held viewer may send as much as it likes")
	}
}

// slateFor is a slate that one step of the clock after another plays.
func slateFor(t *testing.T, r *rig, then func(st *stream.Stream)) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		st := r.reg.Streams()[0]
		r.now = func() clock.Instant { return clock.Instant(time.Since(start)) }
		st.Config().Slate, st.Config().SlateAfter = config.SlateBuiltin, config.Duration(3*time.Second)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { play.RunSlate(ctx, st, nil, nil); close(done) }()
		then(st)
		cancel()
		<-done
	})
}

func TestSlatePlaysWhileTheSourceIsAway(t *testing.T) {
	r := newRig(t, nil, "a")
	slateFor(t, r, func(st *stream.Stream) {
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if st.Up() != nil {
			t.Error("the slate plays before slate_after")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if st.Up() == nil || st.Writer().Kind() != stream.Slate {
			t.Fatal("no slate after slate_after")
		}
		r.at = st.Clock().Now()
		e := r.encoder()
		e.setUp()
		e.start(endless)
		e.header(320)
		e.frame('D', asftest.Packet(1, 40, false, asftest.PacketSize, 500))
		synctest.Wait()
		if st.Writer().Kind() != stream.Slate {
			t.Error("the slate ended before the source's first key frame")
		}
		e.frame('D', asftest.Packet(10, 400, true, asftest.PacketSize, 500))
		synctest.Wait()
		r.turn() // the claim has come
		if own := st.Writer(); own == nil || own.Kind() != stream.Push || !bytes.Equal(st.Up().Gen.Header().Raw,
			asftest.Header(asftest.PacketSize, 320)) {
			t.Errorf("owner %+v; want the encoder at its key frame; it was told %q", own, e.got)
		}
		all := streamtest.Elements(st.Joins().Start)
		if last := all[len(all)-1]; last.Kind() != stream.PacketElement || asftest.Number(last.Full()) != 10 {
			t.Error("the key frame was not published")
		}
		e.hangUp()
		last := st.Stats().Generations.Load()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if own := st.Writer(); own == nil || own.Kind() != stream.Slate || st.Stats().Generations.Load() == last {
			t.Errorf("the slate does not come again: owner %+v, %d generations more", own, st.Stats().Generations.Load()-last)
		}
	})
}
