package e2e

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"
)

// A second encoder takes a stream over at its first header and not at its setup. The first is told 409 and closed;
// viewers get the packets of both as if they were one.
func TestTakeover(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", pushStream("live"))
	first := pushTo(t, m.addr, "live", sampleHeader())
	sent := samplePackets(10*len(layouts), 20)
	first.send(t, 'D', sent[0])
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	third, half := len(sent)/3, len(sent)/2/len(layouts)*len(layouts)
	for _, b := range sent[1:third] {
		first.send(t, 'D', b)
	}

	second := dialEncoder(t, m.addr)
	cookie := second.setup(t, "live")
	for _, b := range sent[third:half] { // the setup alone has changed nothing
		first.send(t, 'D', b)
	}
	for _, w := range all {
		w.await(t, "the first encoder's packets", func(a account) bool { return len(a.seen) == half })
	}
	second.request(t, "live", "application/x-wms-pushstart", cookie, 1<<31-1)
	second.send(t, 'H', sampleHeader())
	first.dismissed(t, http.StatusConflict)
	for _, b := range sent[half:] {
		second.send(t, 'D', b)
	}
	for _, w := range all {
		w.await(t, "the second encoder's packets", func(a account) bool { return len(a.seen) == len(sent) })
		checkContent(t, w, sent)
	}
	m.awaitStatus(t, "live", "fed by the second encoder", func(s streamStatus) bool {
		return s.State == "live" && s.Source != nil && s.Source.From == second.LocalAddr().String()
	})
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
	m.awaitMetric(t, `pumpd_connections_ended_total{reason="replaced"}`, 1)
}

// One with another header takes over in the same way; viewers cross by their dialects.
func TestTakeoverWithAnotherHeader(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", pushStream("live"))
	first := pushTo(t, m.addr, "live", sampleHeader())
	sent := samplePackets(len(layouts), 20)
	first.send(t, 'D', sent[0])
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	for _, b := range sent[1:] {
		first.send(t, 'D', b)
	}
	for _, w := range all {
		w.await(t, "the first encoder's packets", func(a account) bool { return len(a.seen) == len(layouts) })
	}
	startEncoder(t, m, "live", synthetic)
	first.dismissed(t, http.StatusConflict)
	for _, w := range all {
		want := endChanged[w.name]
		if want == watching {
			a := w.await(t, "the second encoder's packets", func(a account) bool { return len(a.seen) > len(layouts)+10 })
			if next := a.seen[len(layouts)]; next.generation != 1 || next.number != 0 {
				t.Errorf("%s: packet %d of generation %d, want the first of the new one", w.name, next.number, next.generation)
			}
		}
		w.awaitEnd(t, want)
	}
	m.awaitCounters(t, "live", counters{Viewers: 1, Joined: 4, Generations: 2,
		Left: map[string]uint64{"header_changed": 3}})
}

// With on_second_push = "refuse" the second one gets 409 at its setup and the first does not notice, until the first
// has been silent for so long that it must be dead.
func TestTakeoverRefused(t *testing.T) {
	t.Parallel()
	m := startMortal(t, "", pushStream("live")+"on_second_push = \"refuse\"\n")
	first := startEncoder(t, m, "live", synthetic)
	waitLive(t, m.addr, streamPath("live"))
	all := startWitnesses(t, m.addr, "live")
	awaitAllMore(t, all, 10)
	if status := m.trySetup(t, "live"); status != http.StatusConflict {
		t.Errorf("setup beside a running encoder: status %d, want 409", status)
	}
	awaitAllMore(t, all, 10)
	for _, w := range all {
		checkWhole(t, w)
	}
	first.pause()
	stopped := time.Now()
	if !poll(awaitTime, func() bool { return m.trySetup(t, "live") == http.StatusNoContent }) {
		t.Fatal("setups are refused although the encoder is silent")
	}
	const dead = 5 * time.Second // push.md §7
	if took := time.Since(stopped); took < dead-time.Second {
		t.Errorf("the encoder was taken for dead after %v, want %v", took, dead)
	}
	startEncoder(t, m, "live", synthetic)
	awaitAllMore(t, all, 10)
	m.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// setup announces a push and gives the cookie for its start.
func (e *encoder) setup(t *testing.T, stream string) (cookie string) {
	t.Helper()
	answer := e.post(t, stream, "application/x-wms-pushsetup", "push-id=0", 0)
	if cookies := answer.Cookies(); answer.StatusCode == http.StatusNoContent && len(cookies) == 1 {
		return cookies[0].String()
	}
	t.Fatalf("setup: status %s, cookies %v; want 204 and a push-id", answer.Status, answer.Cookies())
	return ""
}

// trySetup gives the status of a setup.
func (m *mortal) trySetup(t *testing.T, stream string) int {
	t.Helper()
	e := dialEncoder(t, m.addr)
	defer e.Close()
	return e.post(t, stream, "application/x-wms-pushsetup", "push-id=0", 0).StatusCode
}

// dismissed wants the encoder to be told a status in the middle of its stream, and to be closed.
func (e *encoder) dismissed(t *testing.T, status int) {
	t.Helper()
	answer := e.answer(t)
	if answer.StatusCode != status {
		t.Errorf("the encoder was told %s, want %d", answer.Status, status)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Errorf("the encoder's answer: %v", err)
	}
	if b, err := e.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the encoder's answer: byte %#x, error %v, want FIN", b, err)
	}
}
