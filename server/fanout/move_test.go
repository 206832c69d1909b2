package fanout

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/gobtest"
	"pumpd/server/stream"
)

// A described is all that a rig has, as it goes over.
type described struct {
	Stream   stream.Snapshot
	Elements [][]stream.ElementSnapshot
	Viewers  []ViewerSnapshot
	fds      []int32
}

// described is what there is, viewers in the order of their audience.
func (r *rig) described() described {
	x := r.stream.Export()
	var d described
	for _, v := range r.viewers() {
		d.Viewers = append(d.Viewers, r.hub.Export(v, x))
		d.fds = append(d.fds, v.fd)
	}
	d.Stream = x.Snapshot()
	for batch := range x.Batches(5000) {
		d.Elements = append(d.Elements, batch)
	}
	return d
}

func (r *rig) viewers() []*Viewer {
	if a := r.hub.of[r.stream]; a != nil {
		return a.viewers
	}
	return nil
}

// move has another hub take up what this one has, as in another process, and returns the source that goes on there.
func (r *rig) move() *stream.Source {
	r.t.Helper()
	d := r.described()
	fds := d.fds
	d = gobtest.Passed(r.t, d)
	clear(r.armed)
	r.start(r.hub.engine)
	m, err := d.take(r.stream)
	if err != nil {
		r.t.Fatal(err)
	}
	src := r.stream.Resume(nil)
	r.stream.Settle()
	for i := range d.Viewers {
		v, err := Restore(&d.Viewers[i], fds[i], m)
		if err != nil {
			r.t.Fatal(err)
		}
		r.hub.Adopt(v, r.stream, r.at)
		r.peers[fds[i]].viewer = v
	}
	for _, v := range r.viewers() {
		if v.at.After(v.audience.at) {
			r.t.Fatalf("a viewer is at %d, and its audience at %d", v.at.Order(), v.audience.at.Order())
		}
	}
	return src
}

// take makes a stream what d says.
func (d *described) take(st *stream.Stream) (*stream.Importer, error) {
	m, err := st.Import(&d.Stream)
	if err != nil {
		return nil, err
	}
	for _, batch := range d.Elements {
		if err := m.Add(batch); err != nil {
			return nil, err
		}
	}
	return m, m.Finish()
}

// Viewers of all dialects, with sockets that take any number of bytes at a time, are moved at any moment, and get what
// they would have got.
func TestMovedViewersGetTheSameBytes(t *testing.T) {
	agents := []string{
		ffmpegAgent, vlcAgent, wmpAgent, curlAgent, "NSServer/4.1", "NSServer/9.1", "NSPlayer", "VLC/3.0.18 LibVLC/3.0.18",
	}
	cut := 0
	for seed := range uint64(60) {
		moves := int(seed%5) * 3
		run := func(moving bool) (*rig, [][]byte) {
			r := newRig(t, func(c *config.Config) { c.Server.MaxLag = config.Duration(time.Hour) }) // nobody skips
			n := rand.New(rand.NewPCG(seed, 1))
			f := r.feeder(320)
			f.odd(1, n)
			var peers []*peer
			for i := range 60 {
				switch n.IntN(8) {
				case 0, 1:
					if r.stream.Up() != nil {
						peers = append(peers, r.watchIn(agents[n.IntN(len(agents))], n.IntN(4000)))
					}
				case 2:
					if i%3 == 0 {
						f.header(320 + uint32(i))
					}
				case 3:
					for _, p := range peers {
						p.room = n.IntN(3000)
					}
				case 4:
					r.turn()
				default:
					f.odd(1+n.IntN(5), n)
				}
				if n.IntN(61-i) < moves && moving {
					for _, v := range r.viewers() {
						if v.lead != nil && len(v.lead.parts[1]) > 0 && v.seq > 0 {
							cut++
						}
					}
					f.src = r.move()
				}
			}
			for range 60 {
				for _, p := range peers {
					p.room = plenty
				}
				r.turn()
			}
			var got [][]byte
			for _, p := range peers {
				got = append(got, p.got)
			}
			return r, got
		}
		_, want := run(false)
		r, got := run(true)
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("seed %d: viewer %d, who was moved: %d bytes, want the %d of one that was not, or others", seed, i,
					len(got[i]), len(want[i]))
			}
		}
		if n := r.stream.Stats().Joined.Load(); int(n) != len(want) {
			t.Errorf("%d viewers joined, want %d", n, len(want))
		}
	}
	if cut < 40 {
		t.Errorf("%d viewers were moved in the middle of a frame, want 40", cut)
	}
}

// The visit that the access log tells of is one, from the join on, with all that the viewer was sent.
func TestMovedStayIsOne(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	n := rand.New(rand.NewPCG(1, 1))
	f.odd(8, n)
	p := r.watchIn(wmpAgent, plenty)
	p.viewer.Session, p.viewer.skips = 7, 3
	r.turn()
	r.at = r.at.Add(90 * time.Second)
	want := r.hub.StayOf(p.viewer, r.at)
	if want.Length < 90*time.Second || want.Bytes == 0 {
		t.Fatalf("%+v", want)
	}
	r.move()
	got := r.hub.StayOf(p.viewer, r.at)
	got.Stream = want.Stream
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// odd publishes n packets, some with much padding and some key frames behind older video.
func (f *feeder) odd(n int, r *rand.Rand) {
	f.rig.t.Helper()
	for range n {
		send, key := f.next*40, f.next%7 == 0
		b := asftest.Packet(f.next, send, key, asftest.PacketSize, 8+r.IntN(900))
		if key && f.next%2 == 0 {
			b = asftest.KeyBehind(f.next, send, f.next%3, asftest.PacketSize, 8+r.IntN(300))
		}
		if err := f.src.Packet(b); err != nil {
			f.rig.t.Fatal(err)
		}
		f.next++
		f.rig.pass(40 * time.Millisecond)
	}
}

// Whatever happens to a hub, and to its stream, may happen around a move: see FuzzHub for what must hold then.
func TestMischiefAndMoves(t *testing.T) {
	const steps = "jjvvwwccpppppppppPrrrrrrtthklebbuufxmmmmm\x80\x81\x85\x90\xA1\xB5\xC8"
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 20+r.IntN(70))
		for i := range script {
			script[i] = steps[r.IntN(len(steps))]
		}
		t.Run(fmt.Sprintf("%q", script), func(t *testing.T) {
			newMischief(t, "").play(script)
			if seed%10 == 0 { // this takes long
				newMischief(t, "200kbit").play(script)
			}
		})
	}
}

// A viewer that waited for its burst, or for the next key frame to spare the line that, has had the header only. It
// starts anew where it comes to, and is sent no older video that its player shows damage for.
func TestMovedViewerThatWaitsForItsStart(t *testing.T) {
	for _, uplink := range []string{"200kbit", "100Mbit"} {
		r := newRig(t, func(c *config.Config) {
			if err := c.Server.Uplink.UnmarshalText([]byte(uplink)); err != nil {
				t.Fatal(err)
			}
		})
		f := r.feeder(320)
		f.publishBehind(45)
		var peers []*peer
		waits := 0
		for i := range 24 {
			p := r.watchIn([]string{ffmpegAgent, vlcAgent}[i%2], []int{plenty, 100}[i%4/2])
			peers = append(peers, p)
			if v := p.viewer; v.packetless() && v.state != following {
				waits++
			}
		}
		if uplink == "200kbit" && waits < 20 {
			t.Fatalf("%d viewers wait, want 20: nothing is tested", waits)
		}
		f.publishBehind(3)
		f.src = r.move()
		for _, p := range peers {
			p.room = plenty
		}
		f.publishBehind(12)
		for range 10_000 { // a thin line needs its time
			r.turn()
			r.pass(10 * time.Millisecond)
		}
		for i, p := range peers {
			got := r.read(p.body())
			if got.headers != 1 || len(got.numbers) == 0 || got.numbers[0]%10 != 0 {
				t.Fatalf("%s: viewer %d: %d headers, packets %v, want one and those from a key frame on", uplink, i, got.headers,
					got.numbers[:min(len(got.numbers), 3)])
			}
			if older := r.firstPacket(p).Older; older != asf.NoOlder {
				t.Errorf("%s: viewer %d starts with video that it lacks the beginning of: %d", uplink, i, older)
			}
		}
	}
}

// publishBehind is publish with older video before each key frame.
func (f *feeder) publishBehind(n int) {
	f.rig.t.Helper()
	for range n {
		b := asftest.Packet(f.next, f.next*40, false, asftest.PacketSize, 400)
		if f.next%10 == 0 {
			b = asftest.KeyBehind(f.next, f.next*40, 0, asftest.PacketSize, 400)
		}
		if err := f.src.Packet(b); err != nil {
			f.rig.t.Fatal(err)
		}
		f.next++
		f.rig.pass(40 * time.Millisecond)
	}
}

// firstPacket is what a viewer with MMSH was sent first behind the header.
func (r *rig) firstPacket(p *peer) asf.Packet {
	r.t.Helper()
	_, header, err := codec.ParseFrame(p.body())
	if err != nil {
		r.t.Fatal(err)
	}
	f, _, err := codec.ParseFrame(p.body()[header:])
	if err != nil {
		r.t.Fatal(err)
	}
	d, err := codec.ParseData(f.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	packet, err := r.stream.Joins().Gen.Header().ParsePacket(d.Payload)
	if err != nil {
		r.t.Fatal(err)
	}
	return packet
}

// Nobody has news after a source that ended, or is silent: what viewers were owed comes without.
func TestMovedViewersAreSentWhatTheyLackWithoutNews(t *testing.T) {
	for _, ended := range []bool{false, true} {
		r := newRig(t, nil)
		f := r.feeder(320)
		f.publish(3)
		free, tight := r.watch(vlcAgent), r.watchIn(vlcAgent, 100)
		f.publish(30)
		r.turn()
		if ended {
			f.src.End()
		}
		f.src = r.move()
		tight.room = plenty
		for range 3 {
			r.turn()
		}
		if !bytes.Equal(tight.body(), free.body()) || tight.fin != ended || len(free.body()) < 18_000 {
			t.Errorf("ended %v: %d bytes, FIN %v, want the other's %d", ended, len(tight.body()), tight.fin, len(free.body()))
		}
	}
}

// What is no viewer is refused, with the name of what is wrong.
func TestRestoreRefuses(t *testing.T) {
	r := newRig(t, nil)
	f := r.feeder(320)
	f.publish(3)
	r.watch(vlcAgent)
	for _, c := range []struct {
		want  string
		spoil func(s *ViewerSnapshot)
	}{
		{"dialect", func(s *ViewerSnapshot) { s.Dialect = "quicktime" }},
		{"verdict", func(s *ViewerSnapshot) { s.Verdict = "" }},
		{"element 4", func(s *ViewerSnapshot) { s.At = 4 }},
		{"generation -1", func(s *ViewerSnapshot) { s.Generation = -1 }},
		{"generation 1", func(s *ViewerSnapshot) { s.Generation = 1 }},
		{"owed 5000000 bytes, limit", func(s *ViewerSnapshot) { s.Owed = make([]byte, 5_000_000) }},
		{"", func(*ViewerSnapshot) {}},
	} {
		d := r.described()
		c.spoil(&d.Viewers[0])
		o := newRig(t, nil)
		o.at = r.at
		m, err := d.take(o.stream)
		if err != nil {
			t.Fatal(err)
		}
		switch _, err := Restore(&d.Viewers[0], 1, m); {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("error %v, want one of %s", err, c.want)
		}
	}
}

// FuzzAdopt has a hub take up what has become of a stream with viewers on the way, and go on.
func FuzzAdopt(f *testing.F) {
	f.Add([]byte("jvwcpp\x90pr\xA1phpp"), []byte{})
	f.Add([]byte("jjvcppbppprhp"), []byte{200, 0, 1, 1})
	f.Add([]byte("jwpPtP\x90re"), []byte{40, 1, 0, 3, 9, 0, 2, 2})
	f.Fuzz(func(t *testing.T, script, spoiled []byte) {
		if len(script) > 60 || len(spoiled) > 40 {
			return
		}
		for _, uplink := range []string{"", "200kbit"} {
			m := newMischief(t, uplink)
			for _, b := range script {
				m.do(b)
			}
			d := gobtest.Passed(t, m.described())
			gobtest.Spoil(&d, spoiled)
			m.adopt(&d)
		}
	})
}

// adopt has a new rig do with d what it can.
func (m *mischief) adopt(d *described) {
	r := newRig(m.t, func(c *config.Config) { c.Server.Uplink = m.cfg.Server.Uplink })
	r.at = m.at.Add(time.Second)
	im, err := d.take(r.stream)
	if err != nil {
		return
	}
	for i := range d.Viewers {
		r.fd++
		v, err := Restore(&d.Viewers[i], r.fd, im)
		if err != nil {
			continue
		}
		r.peers[r.fd] = &peer{rig: r, viewer: v, fd: r.fd, room: i * 300}
		r.hub.Adopt(v, r.stream, r.at)
	}
	src := r.stream.Resume(nil)
	r.stream.Settle()
	if src == nil {
		src = r.source()
		_ = src.Header(asftest.Header(asftest.PacketSize, 320))
	}
	for i := range uint32(60) {
		_ = src.Packet(asftest.Packet(i, i*40, i%7 == 0, asftest.PacketSize, 300)) // for its own reasons it may not want them
		r.pass(100 * time.Millisecond)
		r.turn()
		for _, p := range r.peers {
			p.room += 500
		}
	}
	src.End()
	r.turn()
	for _, p := range r.peers {
		p.hangUp()
	}
	if n := r.stream.Stats().Viewers.Load(); n != 0 || len(r.viewers()) != 0 {
		m.t.Fatalf("%d viewers counted and %d listed, all are gone", n, len(r.viewers()))
	}
}

// What it takes to describe 18,000 viewers of one stream, a tenth of them in the middle of a frame, and to have another
// hub take them up, encoding and decoding included: viewers wait meanwhile.
func BenchmarkMove(b *testing.B) {
	const viewers = 18_000
	r := newRig(b, nil)
	f := r.feeder(320)
	f.publish(100)
	agents := []string{ffmpegAgent, vlcAgent, wmpAgent, curlAgent}
	for i := range viewers {
		r.watch(agents[i%len(agents)])
	}
	for i, v := range r.viewers() {
		r.peers[v.fd].got = nil
		if r.peers[v.fd].room = plenty; i%10 == 0 {
			r.peers[v.fd].room = 300
		}
	}
	f.publish(1)
	r.turn()
	for b.Loop() {
		f.src = r.move()
	}
	if n := r.stream.Stats().Viewers.Load(); n != viewers {
		b.Fatalf("%d viewers", n)
	}
}
