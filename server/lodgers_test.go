package server

import (
	"slices"
	"testing"

	"pumpd/server/admission"
)

// What the process before says of its viewers counts, wherever the network cuts it, and no longer than it watches here.
func TestLodgers(t *testing.T) {
	seats := func(viewers ...int32) (n admission.Counts) {
		copy(n[:], viewers)
		return n
	}
	said := []lodgers{{seats(2, 0, 1), 0}, {seats(1, 3), 5000}, {seats(), 5000}, {seats(0, 0, 7), 1 << 40}}
	for cut := range lodgersSize {
		r := newRig(t, nil, "a")
		r.feeder(0, 320).publish(3)
		p := r.connect()
		p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/9.0\r\nPragma: xPlayStrm=1\r\n\r\n")
		own, sent := r.seated(), r.sentBytes()
		r.loop.setLodgers(p.conn, lodgers{seats: seats(4)})
		if got := r.seated(); got != own+4 {
			t.Errorf("at first %d seats are taken, want %d", got, own+4)
		}
		for _, n := range said {
			record := n.append(nil)
			p.say(string(record[:cut]))
			p.say(string(record[cut:]))
			want := own
			for _, viewers := range n.seats {
				want += viewers
			}
			if got := r.seated(); got != want {
				t.Errorf("cut at %d: %+v: %d seats are taken, want %d", cut, n, got, want)
			}
			if got := r.sentBytes() - sent; got != n.bytes {
				t.Errorf("cut at %d: %+v: %d bytes count", cut, n, got)
			}
		}
		p.hangUp()
		if got := r.seated(); got != 0 {
			t.Errorf("when it is gone %d seats are taken", got)
		}
	}
}

func (r *rig) seated() (all int32) {
	for _, viewers := range r.loop.node.ledger.Seated(0) {
		all += viewers
	}
	return all
}

// sentBytes is what counts as sent to viewers of the first stream.
func (r *rig) sentBytes() uint64 { return r.reg.Streams()[0].Stats().BytesOut.Load() }

func TestBadLodgers(t *testing.T) {
	before := lodgers{bytes: 10}
	good := lodgers{seats: admission.Counts{1}, bytes: 10}.append(nil)
	if n, err := parseLodgers(good, before); err != nil || n.bytes != 10 || n.seats[0] != 1 {
		t.Errorf("got %+v, %v", n, err)
	}
	many := slices.Clone(good)
	many[8] = 0xff
	for name, b := range map[string][]byte{
		"none": nil, "part": good[1:], "more": append(slices.Clone(good), 0), "too many": many,
		"fewer bytes than before": lodgers{bytes: 9}.append(nil),
	} {
		if _, err := parseLodgers(b, before); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
