package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// An encoder gives the stream another header, and wherever in that an upgrade comes, viewers get all of the old one and
// all of the new one, and cross from one to the other as their dialects do.
func TestUpgradeInHeaderChange(t *testing.T) {
	t.Parallel()
	l := startLineage(t, pumpdProgram, "loops = 2", pushStream("live"))
	sent := samplePackets(2*len(layouts), 20)
	old, next := sent[:len(layouts)], sent[len(layouts):]
	header := pushFrame('H', otherSampleHeader())
	first, second := pushFrame('D', next[0]), pushFrame('D', next[1])
	for _, c := range []struct {
		name string
		at   int // bytes of the change before the upgrade
	}{
		{"before it", 0},
		{"in the head of its frame", 3},
		{"in the header", len(header) / 2},
		{"behind it", len(header)},
		{"in the first packet", len(header) + len(first)/2},
		{"behind the first packet", len(header) + len(first)},
		{"in the second packet", len(header) + len(first) + len(second)/2},
	} {
		t.Run(c.name, func(t *testing.T) { // one after the other: a pump for each would take longer
			e := pushTo(t, l.addr, "live", sampleHeader())
			defer e.Close()
			e.send(t, 'D', old[0])
			waitLive(t, l.addr, streamPath("live"))
			all := startWitnesses(t, l.addr, "live")
			for _, b := range old[1:] {
				e.send(t, 'D', b)
			}
			for _, w := range all {
				w.await(t, "what comes before", func(a account) bool { return len(a.seen) == len(old) })
			}
			change := header
			for _, b := range next {
				change = append(change, pushFrame('D', b)...)
			}
			e.write(t, change[:c.at])
			l.upgraded(t)
			e.write(t, change[c.at:])
			for _, w := range all {
				want := slices.Clone(old)
				if endChanged[w.name] == watching {
					want = sent
				}
				w.await(t, "all packets", func(a account) bool { return len(a.seen) == len(want) })
				w.awaitEnd(t, endChanged[w.name])
				checkContent(t, w, want)
				if a, _ := w.account(); len(a.heads) != 1+(len(want)-len(old))/len(next) {
					t.Errorf("%s: %d headers", w.name, len(a.heads))
				}
			}
			e.end(t)
			for _, w := range all {
				if endChanged[w.name] == watching {
					w.awaitEnd(t, endOver[w.name])
				}
			}
		})
	}
	l.unharmed(t)
}

// otherSampleHeader is that of a stream of another bit rate.
func otherSampleHeader() []byte {
	b := sampleHeader()
	const bitrate = 30 + 100 // of File Properties, the first object
	b[bitrate]++
	return b
}

// write sends bytes as they are.
func (e *encoder) write(t *testing.T, b []byte) {
	t.Helper()
	if _, err := e.Write(b); err != nil {
		t.Fatal(err)
	}
}

// A second encoder is about to take the stream over when an upgrade comes: it does so in the new process, where the
// first one is told.
func TestUpgradeInTakeover(t *testing.T) {
	t.Parallel()
	l := startLineage(t, pumpdProgram, "loops = 2", pushStream("live")+"on_second_push = \"takeover\"\n")
	sent := samplePackets(10*len(layouts), 20)
	turn := 2 * len(layouts)
	current := pushTo(t, l.addr, "live", sampleHeader())
	current.send(t, 'D', sent[0])
	waitLive(t, l.addr, streamPath("live"))
	all := startWitnesses(t, l.addr, "live")
	push := func(n int) {
		t.Helper()
		for _, b := range sent[n-turn : n] {
			current.send(t, 'D', b)
		}
		for _, w := range all {
			w.await(t, "the packets so far", func(a account) bool { return len(a.seen) == n })
		}
	}
	for _, b := range sent[1:turn] {
		current.send(t, 'D', b)
	}
	header := pushFrame('H', sampleHeader())
	for i, at := range []int{-1, 0, len(header) / 2, len(header)} { // bytes of the header before the upgrade; -1: no start
		next := dialEncoder(t, l.addr)
		cookie := next.setup(t, "live")
		start := func() { next.request(t, "live", "application/x-wms-pushstart", cookie, 1<<31-1) }
		if at >= 0 {
			start()
			next.write(t, header[:at])
		}
		l.upgraded(t)
		if at < 0 {
			start()
		}
		next.write(t, header[max(at, 0):])
		current.dismissed(t, http.StatusConflict)
		current = next
		push((i + 2) * turn)
	}
	current.end(t)
	for _, w := range all {
		w.awaitEnd(t, endOver[w.name])
		checkContent(t, w, sent)
	}
	l.unharmed(t)
}

// Encoders take a stream over from each other all the time, from one loop to another, while upgrades go on.
func TestUpgradesAmongTakeovers(t *testing.T) {
	t.Parallel()
	l := startLineage(t, pumpdProgram, "loops = 2", pushStream("live"))
	const upgrades = 4
	each := len(layouts) // packets of an encoder, of which the first begins a key frame
	sent := samplePackets(600*len(layouts), 20)
	current := pushTo(t, l.addr, "live", sampleHeader())
	current.send(t, 'D', sent[0])
	waitLive(t, l.addr, streamPath("live"))
	w := startWitness(t, l.addr, "live", agentWMP)
	upgraded := make(chan error, 1)
	go func() {
		for range upgrades {
			if out, err := l.upgrade(); err != nil {
				upgraded <- fmt.Errorf("%w: %s", err, out)
				return
			}
		}
		close(upgraded)
	}()
	n, takeovers := 0, 0
	for over := false; !over && n < len(sent); takeovers++ {
		for _, b := range sent[max(n, 1) : n+each] {
			current.send(t, 'D', b)
		}
		n += each
		w.await(t, "the packets so far", func(a account) bool { return len(a.seen) == n })
		next := pushTo(t, l.addr, "live", sampleHeader())
		current.dismissed(t, http.StatusConflict)
		current = next
		select {
		case err := <-upgraded:
			if over = true; err != nil {
				t.Error(err)
			}
		default:
		}
	}
	t.Logf("%d takeovers", takeovers)
	checkContent(t, w, sent[:n])
	l.unharmed(t)
}

// Who waits for a stream that is not up yet waits on in the new process, and gets the encoder's first packet there. Nor
// does it wait for longer than it would have: upgrade after upgrade does not put that off.
func TestUpgradeWhileHeld(t *testing.T) {
	t.Parallel()
	const hold = 4 * time.Second
	l := startLineage(t, pumpdProgram, adminAnywhere, pushStream("live")+"hold = \"30s\"\n"+
		pushStream("never")+fmt.Sprintf("hold = %q\n", hold))
	admin := l.admin(t)
	answers := openAll(l.addr, "live")
	begin := time.Now()
	refused := make(chan error, 1)
	go func() {
		answer, conn, _, err := get(l.addr, streamPath("never"), agentOld, "Pragma: xPlayStrm=1\r\n")
		if err == nil {
			conn.Close()
			if answer.StatusCode != http.StatusServiceUnavailable {
				err = fmt.Errorf("got %s, want 503", answer.Status)
			}
		}
		refused <- err
	}()
	waiting := fmt.Sprintf(`pumpd_stream_viewers_waiting{stream=%q}`, "live")
	admin.awaitMetric(t, waiting, float64(len(allAgents)))
	l.upgraded(t)
	admin.awaitMetric(t, waiting, float64(len(allAgents)))
	startBench(t, append(append([]string(nil), synthetic...), l.pushURL("live"))...)
	checkFromTheFirst(t, answers, 5)
	tick := time.NewTicker(hold / 4) // real time: it must come though it is less than hold from each upgrade on
	defer tick.Stop()
	for done := false; !done; {
		select {
		case err := <-refused:
			if done = true; err != nil {
				t.Error(err)
			}
		case <-tick.C:
			l.upgraded(t)
		}
	}
	if took := time.Since(begin); took < hold {
		t.Errorf("the answer took %v, hold is %v", took, hold)
	}
	l.unharmed(t)
}

// A pull on demand goes on with its upstream, whom nobody asks again, and lets it go when nobody watches any more. Who
// waits for an upstream that is away gets it in the new process when it is back.
func TestUpgradeOnDemand(t *testing.T) {
	t.Parallel()
	origin := startMortal(t, backlog, pushStream("live"))
	startEncoder(t, origin, "live", synthetic)
	waitLive(t, origin.addr, streamPath("live"))
	l := startLineage(t, pumpdProgram, adminAnywhere, pullStream("on", origin.url("mmsh", "live"))+
		"on_demand = true\nidle_close = \"1s\"\nhold = \"50s\"\n")
	admin := l.admin(t)
	l.upgraded(t)
	admin.awaitState(t, "on", "idle")
	all := startWitnesses(t, l.addr, "on")
	awaitAllMore(t, all, 10)
	l.upgraded(t)
	awaitAllMore(t, all, 10)
	l.upgraded(t)
	awaitAllMore(t, all, 10)
	admin.awaitUpstreams(t, "on", "feeding")
	origin.awaitStatus(t, "live", "pulled once", func(s streamStatus) bool { return s.Viewers == 1 && s.Joined == 1 })
	for _, w := range all {
		checkWhole(t, w)
		w.conn.Close()
	}
	origin.awaitStatus(t, "live", "let go", func(s streamStatus) bool { return s.Viewers == 0 })
	admin.awaitState(t, "on", "idle")
	l.unharmed(t)

	origin.kill(t)
	held := make(chan error, 1)
	go func() {
		v, err := open(l.addr, "on", agentOld)
		if err == nil {
			err = sees(v, whole)
			v.conn.Close()
		}
		held <- err
	}()
	const waiting = `pumpd_stream_viewers_waiting{stream="on"}`
	admin.awaitMetric(t, waiting, 1)
	l.upgraded(t)
	admin.awaitMetric(t, waiting, 1)
	checkHeldUntil(t, held, origin)
}

// adminAnywhere is for lineages whose admin is asked.
const adminAnywhere = `admin = "127.0.0.1:0"`

// admin is the lineage's, for what is asked of a mortal's.
func (l *lineage) admin(t *testing.T) *mortal {
	t.Helper()
	return &mortal{admin: l.says(t, adminListening.String())[1]}
}
