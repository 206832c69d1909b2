package fanout

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// FuzzHub does random things to a hub with many viewers and checks after each that every viewer has seen consecutive
// packets of one generation from a join point on, that counts agree, and that nobody is both gone and listed.
func FuzzHub(f *testing.F) {
	f.Add([]byte("jjpppprpprjppprs"))
	f.Add([]byte("pjkppprbpppppppruppppprwx"))
	f.Add([]byte("pjjjhpprgpphpprejppppr"))
	f.Add([]byte("pjvcpprtttppplpphpppjppr"))
	f.Add([]byte{'j', 'p', 0x90, 'p', 0xA1, 'r', 'p', 0x80, 'p', 'p', 'r', 'f', 'p', 'r'})
	f.Add([]byte("jjpppplttttttojhppppjrhtttttojppkjpplptpr"))
	f.Add([]byte("jvwcppm\x90pr\xA1pmrhmppmrlmpkpmrettmp"))
	f.Add([]byte("ppppppprcx")) // the only one leaves while it waits for a key frame
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 100 {
			return
		}
		newMischief(t, "").play(script)
		newMischief(t, "200kbit").play(script)
	})
}

// play does what a script says and then gives every viewer room.
func (m *mischief) play(script []byte) {
	for _, b := range script {
		m.do(b)
		m.check()
	}
	for _, p := range m.peers {
		if !p.gone && p.errno == 0 {
			p.room = plenty
		}
	}
	for range 40 { // each gives a viewer 64 KB, and a script may have published 2 MB
		m.turn()
	}
	if m.line != nil {
		m.catchUp()
	}
	m.check()
	m.checkAllHaveCaughtUp()
}

// catchUp gives a thin line the time that it needs for twenty viewers.
func (m *mischief) catchUp() {
	m.publish(7) // somebody may wait for a key frame
	for range 10_000 {
		m.pass(10 * time.Millisecond)
		m.turn()
	}
}

// mischief is a rig whose sockets misbehave and which remembers what was published.
type mischief struct {
	*rig
	src      *stream.Source
	next     uint32
	newest   uint32 // the last packet that was published
	anywhere bool   // the last key frame was out of reach once: viewers may start and go on anywhere
	width    uint32
	begins   bool            // the source has a header, and no packet behind it yet
	keys     map[uint32]bool // published join points
	all      []*watched
}

type watched struct {
	*peer
	agent string
}

func newMischief(t testing.TB, uplink string) *mischief {
	r := newRig(t, func(c *config.Config) {
		if uplink != "" && c.Server.Uplink.UnmarshalText([]byte(uplink)) != nil {
			t.Fatal(uplink)
		}
	})
	m := &mischief{rig: r, width: 320, keys: map[uint32]bool{}}
	m.src = m.source()
	m.header()
	m.publish(1) // before that there is nothing to watch
	return m
}

func (m *mischief) header() {
	h := asftest.Header(asftest.PacketSize, m.width)
	err := m.src.Header(h)
	if err != nil { // scripts have no patience
		m.src = m.src.Succeed("test")
		err = m.src.Header(h)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.begins = true
}

func (m *mischief) publish(n int) {
	for range n {
		key := m.next%7 == 0
		before := m.src.Position()
		b := asftest.Packet(m.next, m.next*40, key, asftest.PacketSize, 100+int(m.next*37%700))
		if err := m.src.Packet(b); err != nil {
			m.t.Fatal(err)
		}
		j := m.stream.Joins()
		m.anywhere = m.anywhere || j == nil || j.Newest.Next() == nil
		if !m.src.Unmoved(before) { // a source's packets before its first key frame are left out
			m.keys[m.next], m.newest = key || m.begins, m.next // it begins without one when none came for stream.KeyPatience
			m.begins = false
		}
		m.next++
		m.pass(40 * time.Millisecond)
	}
}

// do is one step; bytes from 0x80 set the room of some socket.
func (m *mischief) do(b byte) {
	one := func() *watched {
		if len(m.all) == 0 {
			return nil
		}
		return m.all[int(m.next+uint32(b))%len(m.all)]
	}
	switch b {
	case 'j', 'v', 'w', 'c':
		if len(m.all) == 20 {
			return
		}
		agent := map[byte]string{'j': ffmpegAgent, 'v': vlcAgent, 'w': wmpAgent, 'c': curlAgent}[b]
		if m.stream.Up() != nil {
			m.all = append(m.all, &watched{m.watch(agent), agent})
		}
	case 'p':
		m.publish(1)
	case 'P':
		m.publish(20)
	case 'r':
		m.turn()
	case 't':
		m.pass(5 * time.Second)
	case 'h': // another header
		m.width++
		m.header()
		m.next = (m.next + 6) / 7 * 7
	case 'k': // the same header again
		m.header()
	case 'l': // the source is lost and comes back
		m.src.Lost(syscall.ECONNRESET)
		m.turn()
		m.src = m.source()
		m.header()
	case 'm': // another process takes all up
		m.src = m.move()
	case 'o': // it is asked whether it lets viewers wait for too long
		m.src.Outwait(m.at)
	case 'e': // it ends and another begins
		m.src.End()
		m.turn()
		m.src = m.source()
		m.header()
	case 'b', 'u', 'f', 'x':
		if v := one(); v != nil && !v.gone {
			switch b {
			case 'b':
				v.room = 0
			case 'u':
				v.room = plenty
			case 'f':
				v.errno = syscall.EPIPE
			case 'x':
				v.hangUp()
			}
		}
	default:
		if v := one(); v != nil && b >= 0x80 {
			v.room = int(b-0x80) * 17
		}
	}
}

func (m *mischief) check() {
	listed := 0
	for _, a := range m.hub.audiences {
		if a == nil {
			continue
		}
		listed += len(a.viewers)
		for i, v := range a.viewers {
			p := m.peers[v.fd]
			if int(v.slot) != i || p.viewer != v || p.gone || p.fin || v.state == leaving || v.audience != a {
				m.t.Fatalf("viewer %d: slot %d, gone %v, FIN %v, state %d", i, v.slot, p.gone, p.fin, v.state)
			}
			if v.state == blocked && !m.armed[v.fd] {
				m.t.Fatalf("viewer %d is blocked and nobody waits for its socket", i)
			}
		}
	}
	if n := m.stream.Stats().Viewers.Load(); int(n) != listed {
		m.t.Fatalf("%d viewers counted, %d listed", n, listed)
	}
	for _, w := range m.all {
		if w.agent != curlAgent {
			m.checkPackets(m.read(w.body()).numbers)
		}
	}
}

// checkPackets wants the packets to start at a key frame and to leave none out but up to another key frame.
func (m *mischief) checkPackets(got []uint32) {
	for i, n := range got {
		key := m.keys[n] || m.anywhere
		switch {
		case i == 0 && !key:
			m.t.Fatalf("starts with packet %d, which is not a key frame", n)
		case i > 0 && n != got[i-1]+1 && (n <= got[i-1] || !key):
			m.t.Fatalf("packet %d after %d", n, got[i-1])
		}
	}
}

// checkAllHaveCaughtUp wants everybody who is there and can take it at the newest packet.
func (m *mischief) checkAllHaveCaughtUp() {
	for _, w := range m.all {
		v := w.viewer
		if w.gone || w.errno != 0 || v == nil || v.verdict != reason.None {
			continue
		}
		last := newest(v.at)
		if v.state != following || v.at != last {
			m.t.Fatalf("a viewer with room is at packet %d in state %d, want %d", v.at.Index(), v.state, last.Index())
		}
		if w.agent == curlAgent {
			continue
		}
		if m.anywhere {
			continue // it may have been moved to where the chain ends
		}
		got := m.read(w.body()).numbers
		if len(got) > 0 && !slices.Contains(got, m.newest) && last.Kind() == stream.PacketElement {
			m.t.Fatalf("newest packet %d is not among %v", m.newest, got)
		}
	}
}
