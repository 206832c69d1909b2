package e2e

import (
	"bytes"
	"fmt"
	"testing"
)

// A viewer of a pump, and one behind a second pump that pulls from the first, get what was pushed: no packet more or
// less, none changed but in its padding. Packets that travel with their padding are equal byte for byte.
func TestPacketsArriveUnchanged(t *testing.T) {
	t.Parallel()
	for _, c := range []transport{
		{engine: "sendto"},
		{engine: "sendto", pumpStrips: true},
		{engine: "sendto", encoderStrips: true},
		{engine: "sendto", encoderStrips: true, pumpStrips: true},
		{engine: "auto"},
		{engine: "auto", encoderStrips: true, pumpStrips: true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			testUnchanged(t, c)
		})
	}
}

// A transport is a way of packets from an encoder to a viewer.
type transport struct {
	engine                    string
	encoderStrips, pumpStrips bool // padding
}

// shortGrace, behind what stands in [server], lets a test see the end of a stream whose source is gone.
const shortGrace = "[timeouts]\nsource_grace = \"1s\"\n"

func testUnchanged(t *testing.T, c transport) {
	server := fmt.Sprintf("engine = %q\nstrip_padding = %v\nburst = \"10s\"\nmax_lag = \"20s\"", c.engine, c.pumpStrips)
	first := startPump(t, server, pushStream("live"))
	e := pushTo(t, first.addr, "live", sampleHeader())
	push := func(b []byte) {
		if c.encoderStrips {
			b = stripPadding(b)
		}
		e.send(t, 'D', b)
	}
	sent := samplePackets(50*len(layouts), 5)
	push(sent[0])
	waitLive(t, first.addr, streamPath("live"))
	second := startPump(t, server+"\n"+shortGrace, pullStream("again", first.url("mmsh", "live")))
	waitLive(t, second.addr, streamPath("again"))

	var viewers []*viewer
	for _, agent := range []string{agentOld, agentVLC, agentWMP, agentHTTP} {
		viewers = append(viewers, watch(t, first.addr, "live", agent), watch(t, second.addr, "again", agent))
		viewers[len(viewers)-1].name += " behind two pumps"
	}
	for _, b := range sent[1:] {
		push(b)
	}
	e.end(t)

	for i, v := range viewers {
		t.Run(v.name, func(t *testing.T) { // not later, in parallel: the connections have deadlines
			got, err := v.rest()
			if err != nil {
				t.Errorf("after %d of %d packets: %v", len(got), len(sent), err)
			}
			compare(t, v, got, sent, comparison{
				exact:   !c.encoderStrips && (!c.pumpStrips || i == 6), // 6: raw ASF from the first pump is always padded
				padded:  !v.framed || !c.pumpStrips,
				restore: !c.encoderStrips && c.pumpStrips && v.framed && i%2 == 0,
			})
		})
	}
}

// A comparison says what must be equal besides the content of the packets.
type comparison struct {
	exact   bool // all bytes
	padded  bool // the size
	restore bool // all bytes after the padding is put back, where the layout allows that
}

func compare(t *testing.T, v *viewer, got, sent [][]byte, c comparison) {
	t.Helper()
	if len(got) != len(sent) {
		t.Errorf("%d packets, %d were pushed", len(got), len(sent))
	}
	for i := range min(len(got), len(sent)) {
		p, err := cutPacket(got[i])
		want, _ := cutPacket(sent[i])
		name := layouts[i%len(layouts)].name
		switch {
		case err != nil:
			t.Errorf("packet %d (%s): %v", i, name, err)
		case p.content() != want.content():
			t.Errorf("packet %d (%s) differs:\ngot  %x\nwant %x", i, name, got[i], sent[i])
		case c.exact && !bytes.Equal(got[i], sent[i]):
			t.Errorf("packet %d (%s) differs in its padding:\ngot  %x\nwant %x", i, name, got[i], sent[i])
		case c.padded && len(got[i]) != v.size:
			t.Errorf("packet %d (%s) has %d bytes, want %d", i, name, len(got[i]), v.size)
		case c.restore && layouts[i%len(layouts)].restore && len(got[i]) < v.size &&
			!bytes.Equal(putPadding(got[i], p, v.size), sent[i]):
			t.Errorf("packet %d (%s) differs once padded:\ngot  %x\nwant %x", i, name, got[i], sent[i])
		default:
			continue
		}
		return // the first difference is enough
	}
}
