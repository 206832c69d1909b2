package fanout

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"pumpd/asf/asftest"
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
	r.hub.alarm.Stop()
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
