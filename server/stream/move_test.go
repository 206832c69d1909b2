package stream

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/gobtest"
	"pumpd/server/reason"
	"pumpd/server/tally"
	"pumpd/server/view"
)

// A described is a stream as it goes over.
type described struct {
	Stream   Snapshot
	Elements [][]ElementSnapshot
}

// described is f's stream from an element on.
func (f *studio) described(from *Element) described {
	x := f.st.Export()
	x.Hold(from)
	d := described{Stream: x.Snapshot()}
	for batch := range x.Batches(3000) {
		d.Elements = append(d.Elements, batch)
	}
	return d
}

// takeUp is a studio that has been made what d says, at a moment. Its source is yet to go on.
func takeUp(t testing.TB, d *described, at clock.Instant) (*studio, error) {
	t.Helper()
	g := newStudio(t, nil)
	g.src.Yield()
	g.src, g.at = nil, at
	return g, g.take(d)
}

func (f *studio) take(d *described) error {
	m, err := f.st.Import(&d.Stream)
	if err != nil {
		return err
	}
	for _, batch := range d.Elements {
		if err := m.Add(batch); err != nil {
			return err
		}
	}
	f.first = m.Element(d.Stream.Chain.Order)
	return m.Finish()
}

// moved is a studio with f's stream from an element on, as another process has it, and whose source goes on.
func (f *studio) moved(from *Element) *studio {
	f.t.Helper()
	d := gobtest.Passed(f.t, f.described(from))
	g, err := takeUp(f.t, &d, f.at)
	if err != nil {
		f.t.Fatal(err)
	}
	g.next, g.width, g.off = f.next, f.width, f.off
	g.src = g.st.Resume(nil)
	if again := g.st.Resume(nil); again != nil {
		f.t.Error("somebody else resumes too")
	}
	return g
}

// same wants the other stream, of which there may be less, to be what f's is.
func (f *studio) same(g *studio) {
	f.t.Helper()
	from := f.first
	for from != nil && g.first != nil && from.order < g.first.order {
		from = from.Next()
	}
	want, got := f.described(from), g.described(g.first)
	if !reflect.DeepEqual(got, want) {
		f.t.Fatalf("the stream is\n%+v\nwant\n%+v", got.Stream, want.Stream)
	}
	if got, want := startsOf(g.st.Joins()), startsOf(f.st.Joins()); !reflect.DeepEqual(got, want) {
		f.t.Fatalf("viewers start at\n%+v\nwant\n%+v", got, want)
	}
	if f.st.Up() != nil != (g.st.Up() != nil) || f.st.State() != g.st.State() {
		f.t.Fatalf("up %v, %v, want %v, %v", g.st.Up() != nil, g.st.State(), f.st.Up() != nil, f.st.State())
	}
}

// A start is where a viewer may start, and what it is sent there.
type start struct {
	bytes   [Forms]string
	at      [Forms]uint64
	packets [Forms]uint8
	joins   Joins
}

// startsOf are all join points that j knows, oldest first.
func startsOf(j *Joins) (list []start) {
	for most := int64(1) << 40; j != nil; most-- {
		within, ahead := j.Within(most)
		most = min(most, ahead)
		s := start{joins: Joins{back: within.back, bytes: within.bytes, latest: within.latest, every: within.every}}
		for f := range Forms {
			b, at, packets := within.Begin(f, 0)
			s.bytes[f], s.at[f], s.packets[f] = string(b), at.order, packets
		}
		list = append(list, s)
		if within.oldest == nil || within.oldest.next.Load() == nil || within.oldest.next.Load().bytes >= j.bytes {
			return list
		}
	}
	return list
}

// play does what a step of a script says, as the random numbers want it. All errors are told.
func (f *studio) play(step byte, r *rand.Rand) string {
	var err error
	say := fmt.Sprint
	if f.src == nil && step != 't' && step != 'c' && step != 'R' {
		return "nobody"
	}
	switch step {
	case 'p':
		return say(f.packets(1 + r.IntN(12)))
	case 'h':
		f.width++
		return say(f.src.Header(asftest.Header(asftest.PacketSize, 320+f.width)))
	case 'k':
		return say(f.src.Header(asftest.Header(asftest.PacketSize, 320+f.width)))
	case 'x': // more headers than it may send, and then its clock jumps
		for range changeQuota.most - 1 {
			err = f.src.Header(asftest.Header(asftest.PacketSize, 320+f.width))
		}
		f.off += 3_600_000
		return say(err, f.packets(2), f.packets(2))
	case 'f': // the limits of memory were met
		f.st.chain.full = f.st.chain.gen != nil
	case 'd':
		b := f.packet()
		asftest.OffBy(20 * time.Minute)(b)
		return say(f.src.Packet(b))
	case 'z':
		return say(f.src.Packet(make([]byte, asftest.PacketSize)))
	case 'j':
		f.off += 3_600_000
	case 't':
		f.pass(time.Duration(r.IntN(12_000)) * time.Millisecond)
	case 'y': // it sends again what it has sent
		f.next -= min(f.next, uint32(r.IntN(30)))
		return say(f.packets(2))
	case 'b': // a pull that was lost is back, and begins with what it has sent
		f.claim(Pull)
		f.next -= min(f.next, uint32(r.IntN(30)))
		err = f.src.Header(asftest.Header(asftest.PacketSize, 320+f.width))
		return say(err, f.packets(2))
	case 'l':
		f.src.Lost(syscall.ECONNRESET)
		f.src = nil
	case 'e':
		f.src.End()
		f.src = nil
	case 'o': // it says that it is over, and is to let go
		f.src.Over()
	case 'w':
		return say(f.src.Outwait(f.at))
	case 's':
		f.src = f.src.Succeed("next")
		err = f.src.Header(asftest.Header(asftest.PacketSize, 320+f.width))
		f.src.Follow(Tie(r.IntN(4)))
		return say(err)
	case 'R':
		f.reg.Reap(f.at)
	case 'c':
		if f.src != nil {
			return ""
		}
		f.src = f.st.ClaimVacant(Claim{Kind: Kind(r.IntN(4)), Who: "test", PushID: "secret", Pump: r.IntN(2) == 0}, 0)
		if f.src == nil {
			return "busy"
		}
		return say(f.src.Header(asftest.Header(asftest.PacketSize, 320+f.width)))
	}
	return ""
}

// packets publishes so many, some of which are odd.
func (f *studio) packets(n int) error {
	for range n {
		if err := f.src.Packet(f.packet()); err != nil {
			return err
		}
		f.pass(40 * time.Millisecond)
	}
	return nil
}

// packet is the next one: with padding, with little, or with it cut off, and some key frames behind older video.
func (f *studio) packet() []byte {
	n, send := f.next, f.next*40+f.off
	f.next++
	payload := 8 + int(n*131%950)
	key := n%7 == 0
	b := asftest.Packet(n, send, key, asftest.PacketSize, payload)
	if key && n%3 > 0 {
		b = asftest.KeyBehind(n, send, n%3-1, asftest.PacketSize, min(payload, 400))
	}
	if padding := int(b[5]) | int(b[6])<<8; n%4 == 0 {
		b[5], b[6] = 0, 0
		b = b[:len(b)-padding]
	}
	return b
}

// anywhere is some element of the chain; nil where there is none.
func (f *studio) anywhere(r *rand.Rand) *Element {
	list := f.chain()
	if len(list) == 0 {
		return nil
	}
	return list[r.IntN(len(list))]
}

// whats are what there is to move.
func (f *studio) whats() (list []string) {
	c, headers, short := &f.st.chain, 0, false
	for _, e := range f.chain() {
		if e.kind == HeaderElement {
			headers++
		}
		short = short || len(e.short) != len(e.full)
	}
	s := f.st.writer
	for what, is := range map[string]bool{
		"a writer":                 s != nil,
		"no writer":                s == nil,
		"no chain":                 c.last == nil,
		"a packet that waits":      s != nil && s.doubt.b != nil,
		"a burst that is repeated": s != nil && s.seen != nil,
		"an end":                   c.last != nil && c.last.kind == EndElement,
		"a header alone":           c.last != nil && c.last.kind == HeaderElement,
		"an opening":               len(c.points) > 0 && c.points[0].opening != nil,
		"two generations":          headers > 1,
		"packets without padding":  short,
	} {
		if is {
			list = append(list, what)
		}
	}
	return list
}

// A stream that is moved in the middle of anything is the one that it was, and goes on as if it had not been moved.
func TestMovedStreamIsTheSame(t *testing.T) {
	const steps = "pppppppfhxkdddzjtybbblleoowwsRccccc"
	moved := map[string]int{}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 10+r.IntN(60))
		for i := range script {
			script[i] = steps[r.IntN(len(steps))]
		}
		f := newStudio(t, nil)
		f.claim(Kind(seed % 4))
		f.header(320)
		when := r.IntN(len(script))
		for i, step := range script[:when] {
			f.play(step, rand.New(rand.NewPCG(seed, uint64(i))))
		}
		g := f.moved(f.anywhere(r))
		for _, what := range f.whats() {
			moved[what]++
		}
		f.same(g)
		for i, step := range script[when:] {
			want := f.play(step, rand.New(rand.NewPCG(seed, uint64(i))))
			if got := g.play(step, rand.New(rand.NewPCG(seed, uint64(i)))); got != want {
				t.Fatalf("seed %d: %q, step %d: %s, want %s", seed, script, when+i, got, want)
			}
			f.same(g)
		}
	}
	for _, what := range []string{
		"a writer", "no writer", "no chain", "a packet that waits", "a burst that is repeated", "an end", "a header alone",
		"an opening", "two generations", "packets without padding",
	} {
		if moved[what] == 0 {
			t.Errorf("never moved with %s", what)
		}
	}
}

// What is no stream is refused, with the name of what is wrong.
func TestImportRefuses(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.packets(15)
	f.header(330)
	f.packets(15)
	good := gobtest.Encoded(t, f.described(f.first))
	order := f.first.order
	for _, c := range []struct {
		want  string
		spoil func(d *described, s *Snapshot)
	}{
		{"path", func(_ *described, s *Snapshot) { s.Path = "b" }},
		{"generation 1", func(_ *described, s *Snapshot) { s.Generations[1] = s.Generations[1][:40] }},
		{"generations: 5000, limit", func(_ *described, s *Snapshot) { s.Generations = make([][]byte, 5000) }},
		{"generation of the chain: 2", func(_ *described, s *Snapshot) { s.Chain.Generation = 2 }},
		{"ends in another", func(_ *described, s *Snapshot) { s.Chain.Generation = 0 }},
		{"of no generation", func(_ *described, s *Snapshot) { s.Chain.Generation, s.Points = -1, nil }},
		{"elements: -1", func(_ *described, s *Snapshot) { s.Chain.Elements = -1 }},
		{"elements: 26, announced 27", func(_ *described, s *Snapshot) { s.Chain.Elements++ }},
		{"only 25 were announced", func(_ *described, s *Snapshot) { s.Chain.Elements-- }},
		{"order", func(_ *described, s *Snapshot) { s.Chain.Order++ }},
		{"order of the first", func(_ *described, s *Snapshot) { s.Chain.Order = 1 << 63 }},
		{"state: 3", func(_ *described, s *Snapshot) { s.State = 3 }},
		{"Via: 70000", func(_ *described, s *Snapshot) { s.Via = string(make([]byte, 70000)) }},
		{"push-id: 70000", func(_ *described, s *Snapshot) { s.Absent.PushID = string(make([]byte, 70000)) }},
		{"moment", func(_ *described, s *Snapshot) { s.Vacant = 1 << 60 }},
		{"moment", func(_ *described, s *Snapshot) { s.Stats.LastPacket = 1 << 60 }},
		{"loss: kind: 4", func(_ *described, s *Snapshot) { s.Loss = &Loss{Kind: 4} }},
		{"loss: moment", func(_ *described, s *Snapshot) { s.Loss = &Loss{Error: view.Error{At: -1}} }},
		{"moment", func(_ *described, s *Snapshot) { s.Fault.At = 1 << 60 }},
		{"join points: 5000", func(_ *described, s *Snapshot) { s.Points = make([]uint64, 5000) }},
		{"join point behind 99", func(_ *described, s *Snapshot) { s.Points[0] = 99 }},
		{"before is", func(_ *described, s *Snapshot) { s.Points = append(s.Points, s.Points[0]) }},
		{"of another generation", func(_ *described, s *Snapshot) { s.Points = append([]uint64{order}, s.Points...) }},
		{"no packet there", func(_ *described, s *Snapshot) { s.Points = []uint64{order + 25} }},
		{"writer: kind", func(_ *described, s *Snapshot) { s.Writer.Kind = 4 }},
		{"writer: state", func(_ *described, s *Snapshot) { s.Writer.State = 3 }},
		{"writer: tie", func(_ *described, s *Snapshot) { s.Writer.Tie = 4 }},
		{"writer: bad packets", func(_ *described, s *Snapshot) { s.Writer.Bad = -1 }},
		{"writer: bytes of a text", func(_ *described, s *Snapshot) { s.Writer.Who = string(make([]byte, 70000)) }},
		{"writer: moment", func(_ *described, s *Snapshot) { s.Writer.Waiting = -1 }},
		{"writer: allowances", func(_ *described, s *Snapshot) { s.Writer.Padding = 1 << 60 }},
		{"patience", func(_ *described, s *Snapshot) { s.Patience = -1 }},
		{"writer: header", func(_ *described, s *Snapshot) { s.Writer.Published = nil }},
		{"not the one that", func(_ *described, s *Snapshot) { s.Writer.Published = s.Generations[0] }},
		{"without", func(_ *described, s *Snapshot) { s.Writer.State = uint8(headerless) }},
		{"its burst is at element 99", func(_ *described, s *Snapshot) { s.Writer.Seen = 99 }},
		{"that waits", func(_ *described, s *Snapshot) { s.Writer.Doubt.Packet = []byte{1} }},
		{"order: 1", func(d *described, _ *Snapshot) { d.at(2).Order = 1 }},
		{"kind: 3", func(d *described, _ *Snapshot) { d.at(2).Kind = 3 }},
		{"kind of its source: 4", func(d *described, _ *Snapshot) { d.at(2).By = 4 }},
		{"moment", func(d *described, _ *Snapshot) { d.at(2).At = 1 << 60 }},
		{"packet: 1 bytes, want 1000", func(d *described, _ *Snapshot) { d.at(2).Full = []byte{1} }},
		{"without padding: 1000 bytes", func(d *described, _ *Snapshot) { d.at(2).Short = d.at(2).Full }},
		{"element 0: generation: 2", func(d *described, _ *Snapshot) { d.at(0).Generation = 2 }},
		{"behind an end", func(d *described, _ *Snapshot) { d.at(0).Kind = uint8(EndElement) }},
	} {
		d := decoded(t, good)
		c.spoil(&d, &d.Stream)
		g, err := takeUp(t, &d, f.at)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one of %s", err, c.want)
		}
		if g.st.Up() != nil || g.st.Writer() != nil || g.st.State() != Idle {
			t.Errorf("%s: refused, and the stream is up, or somebody writes", c.want)
		}
	}
}

func decoded(t testing.TB, b []byte) (d described) {
	t.Helper()
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// at is the element of a place.
func (d *described) at(i int) *ElementSnapshot {
	for _, batch := range d.Elements {
		if i < len(batch) {
			return &batch[i]
		}
		i -= len(batch)
	}
	return nil
}

// A stream that somebody uses is not another one.
func TestImportIntoAUsedStream(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.packets(15)
	d := f.described(nil)
	claimed, live, retired := newStudio(t, nil), newStudio(t, nil), newStudio(t, nil)
	live.header(320)
	live.packets(1)
	live.src.Yield()
	retired.src.Yield()
	retired.st.Retire()
	for _, g := range []*studio{claimed, live, retired} {
		g.at = f.at
		if err := g.take(&d); !errors.Is(err, errUsed) {
			t.Errorf("error %v, want %v", err, errUsed)
		}
	}
}

// A writer that nobody goes on as is lost when the others have gone on; its viewers wait, and it goes before others.
func TestSettle(t *testing.T) {
	f := newStudio(t, nil)
	f.src.Yield()
	from := netip.MustParseAddr("192.0.2.1")
	var err error
	if f.src, err = f.st.Claim(Claim{Kind: Push, Who: "test", From: from, PushID: "secret"}); err != nil {
		t.Fatal(err)
	}
	f.header(320)
	f.packets(15)
	d := f.described(nil)
	g, err := takeUp(t, &d, f.at)
	if err != nil {
		t.Fatal(err)
	}
	if g.st.State() != Live || g.st.Writer() == nil {
		t.Fatalf("%v before anybody could go on", g.st.State())
	}
	g.st.Settle()
	g.st.Settle()
	if g.st.State() != Orphaned || g.st.Writer() != nil || g.st.Up() == nil || g.st.Resume(nil) != nil {
		t.Errorf("%v, want %v with viewers that wait", g.st.State(), Orphaned)
	}
	other := netip.MustParseAddr("192.0.2.2")
	if !g.st.Reserved(other, "", g.at) || g.st.Reserved(from, "", g.at) || g.st.Reserved(other, "secret", g.at) {
		t.Error("the encoder that is lost does not go before others")
	}
	g.pass(31 * time.Second)
	g.reg.Reap(g.at)
	if g.st.State() != Idle {
		t.Errorf("%v after the grace", g.st.State())
	}
}

// A source that has gone on lets go when it is asked to.
func TestResumedWriterIsEvicted(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.packets(3)
	d := f.described(nil)
	g, err := takeUp(t, &d, f.at)
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	src := g.st.Resume(func() { asked = true })
	g.st.Settle()
	if _, done, err := g.st.Inherit(Claim{Kind: Pull}, func() {}); done || err != nil || !asked {
		t.Fatalf("inherits at once %v, error %v, asked %v", done, err, asked)
	}
	if x := g.st.Export(); !x.Contested() {
		t.Error("somebody waits for the claim, and nobody says so")
	}
	src.Yield()
	if x := g.st.Export(); x.Contested() {
		t.Error("nobody waits for the claim")
	}
}

// Whoever wants the claim of a source that has yet to go on waits until that does, and lets go, or is lost.
func TestHeirOfMovedWriter(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.packets(3)
	d := f.described(nil)
	for _, lost := range []bool{false, true} {
		g, err := takeUp(t, &d, f.at)
		if err != nil {
			t.Fatal(err)
		}
		granted, asked := false, false
		src, done, err := g.st.Inherit(Claim{Kind: Push}, func() { granted = true })
		if done || err != nil || granted {
			t.Fatalf("inherits at once %v, error %v", done, err)
		}
		if lost {
			g.st.Settle()
		} else if own := g.st.Resume(func() { asked = true }); !asked || granted {
			t.Fatalf("asked %v, granted %v", asked, granted)
		} else {
			own.Yield()
		}
		if !granted || g.st.Writer() != src {
			t.Errorf("lost %v: granted %v, and the writer is another one", lost, granted)
		}
	}
}

// Counters go on; what counts who is there does not.
func TestMovedStats(t *testing.T) {
	f := newStudio(t, nil)
	n := f.st.Stats()
	for _, c := range n.counters() {
		c.Store(3)
	}
	n.Left[reason.Stalled].Store(4)
	n.Refused.Count(404)
	n.Refused.Count(418)
	n.Viewers.Store(5)
	n.lastPacket.Store(1)
	for i, h := range []*tally.Histogram{n.Reported().Bufferings, n.Reported().Buffering, n.Reported().Lost,
		n.Reported().Received, n.Reported().Rate} {
		h.Observe(1, uint64(i)+1)
	}
	d := gobtest.Passed(t, f.described(nil))
	d.Stream.Stats.Counters.Add("NewerThanThis", 1)
	g, err := takeUp(t, &d, f.at)
	if err != nil {
		t.Fatal(err)
	}
	got := g.st.Stats()
	if s := got.snapshot(); !reflect.DeepEqual(s, n.snapshot()) {
		t.Errorf("counters %+v, want %+v", s, n.snapshot())
	}
	if got.Joined.Load() != 3 || got.Left[reason.Stalled].Load() != 4 || got.Viewers.Load() != 0 {
		t.Errorf("joined %d, stalled %d, there are %d, want 3, 4 and 0", got.Joined.Load(), got.Left[reason.Stalled].Load(),
			got.Viewers.Load())
	}
	if n := got.Reports().Rate.View().Count; n != 5 {
		t.Errorf("%d players have reported a rate, want 5", n)
	}
}

// Every counter is among those that go on, so that a new one is not forgotten.
func TestAllCountersGoOn(t *testing.T) {
	known := new(Stats).counters()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Stats]()) {
		if f.Type == reflect.TypeFor[atomic.Uint64]() && known[f.Name] == nil {
			t.Errorf("%s is not among counters", f.Name)
		}
	}
	reports := new(Reports).histograms()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Reports]()) {
		if _, known := reports[f.Name]; !known {
			t.Errorf("%s is not among histograms", f.Name)
		}
	}
}

// FuzzImport takes what a process describes, or what has become of that, for a stream. If it does, the stream can be
// used.
func FuzzImport(f *testing.F) {
	s := newStudio(f, nil)
	f.Add(gobtest.Encoded(f, s.described(nil)), []byte{})
	s.claim(Pull)
	for _, steps := range []string{"kppp", "hppd", "bb", "o", "ckpppee"} {
		for i, step := range []byte(steps) {
			s.play(step, rand.New(rand.NewPCG(1, uint64(i))))
		}
		f.Add(gobtest.Encoded(f, s.described(s.first)), []byte{3, 0, 1, 1})
	}
	f.Fuzz(func(t *testing.T, b, script []byte) {
		var d described
		if len(b) > 1<<20 || len(script) > 100 || gob.NewDecoder(bytes.NewReader(b)).Decode(&d) != nil {
			return
		}
		gobtest.Spoil(&d, script)
		g, err := takeUp(t, &d, 1<<40)
		if err != nil {
			return
		}
		g.checkWhole()
		startsOf(g.st.Joins())
		if g.src = g.st.Resume(nil); g.src != nil {
			g.src.Heard()
			g.packets(3)
			g.src.Lost(syscall.ECONNRESET)
			g.src = nil
		}
		g.st.Settle()
		g.pass(24 * time.Hour)
		g.reg.Reap(g.at)
		g.play('c', rand.New(rand.NewPCG(1, 1)))
		if g.src == nil {
			t.Fatal("nobody gets the claim")
		}
		g.packets(8)
		g.src.End()
		g.checkWhole()
	})
}

// checkWhole checks what viewers need of the chain, and that all of it can be joined that says so.
func (f *studio) checkWhole() {
	f.t.Helper()
	size := 0
	there := map[*Element]bool{}
	for e := f.first; e != nil; e = e.Next() {
		there[e] = true
		switch e.kind {
		case HeaderElement:
			size = e.gen.header.PacketSize
		case PacketElement:
			if len(e.full) == 0 || size > 0 && len(e.full) != size || len(e.short) > len(e.full) {
				f.t.Fatalf("packet of %d and %d bytes, want %d", len(e.full), len(e.short), size)
			}
		}
		if n := e.Next(); n != nil && (!n.After(e) || n.order != e.order+1 || n.Index() != e.Following()) {
			f.t.Fatalf("element %d, packet %d, and then %d, %d", e.order, e.index, n.order, n.index)
		}
	}
	if j := f.st.Joins(); j != nil {
		for p := j.oldest; p != nil; p = p.next.Load() {
			if !there[p.before] || p.before.Next().kind != PacketElement {
				f.t.Fatalf("join point behind %d is not in the chain, or no packet is there", p.before.order)
			}
		}
		if !there[j.Newest] || !there[j.Start] || j.Newest.order < j.Start.order {
			f.t.Fatalf("newest start %d, oldest %d", j.Newest.order, j.Start.order)
		}
	}
}

// An upstream that did not come along is asked anew, and begins with what it has sent before: nothing comes twice, and
// nothing is missing.
func TestUpstreamThatDidNotComeAlongIsLinedUp(t *testing.T) {
	f := newStudio(t, nil)
	f.claim(Pull)
	f.header(320)
	f.publish(55)
	f.st.SetVia("1.0 upstream")
	f.st.Fail(view.Error{Text: "no such file"})
	d := gobtest.Passed(t, f.described(f.first))
	g, err := takeUp(t, &d, f.at)
	if err != nil {
		t.Fatal(err)
	}
	if via := g.st.Via(); via == nil || *via != "1.0 upstream" {
		t.Error("the pumps behind this one are forgotten")
	}
	if g.st.Fault() != f.st.Fault() {
		t.Error("why a file did not play is forgotten")
	}
	packet := func(n uint32) []byte { return asftest.Packet(n, n*40, n%10 == 0, asftest.PacketSize, 500) }
	s := g.st.Writer()
	if !s.EndsWith(54*40, packet(54)) || !s.Holds(packet(40)) || s.Holds(packet(55)) {
		t.Error("a lane that stands by is not found its place")
	}
	g.st.Settle()
	g.claim(Pull)
	g.header(320)
	g.next = 20
	g.publish(50)
	g.wants(asftest.Numbers(0, 70))
}
