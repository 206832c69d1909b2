package admin

import (
	"bytes"
	"encoding/gob"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/stream"
)

// What one process has seen another one goes on with: the same graphs, events and sources. What does not fit is
// refused.
func TestPastMoves(t *testing.T) {
	r := newRig(t, pushStream("a", ""), pushStream("b", ""))
	streams, h := r.s.Streams.Streams(), r.rates.history
	r.feed(0, stream.Push, "192.0.2.1:5", 1)
	streams[0].Stats().BytesIn.Add(1000)
	for range 30 {
		r.at = r.at.Add(time.Second)
		h.look(streams, uplink{taken: 5, usable: 9}, r.at, time.Unix(1e9, 0))
	}
	var parts []*Past
	for _, part := range r.Past().Parts(1) {
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(part); err != nil {
			t.Fatal(err)
		}
		moved := new(Past)
		if err := gob.NewDecoder(&b).Decode(moved); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, moved)
	}
	if len(parts) != 2 {
		t.Fatalf("%d parts, want one a stream", len(parts))
	}
	there := newHistory(streams)
	if err := there.resume(parts, streams); err != nil {
		t.Fatal(err)
	}
	for _, st := range []*stream.Stream{nil, streams[0], streams[1]} {
		if want, got := h.graphs(st), there.graphs(st); !reflect.DeepEqual(got, want) {
			t.Errorf("graphs are %v, want %v", got, want)
		}
	}
	want, got := h.recent(""), there.recent("")
	if len(want) == 0 || len(got) != len(want) || got[0].Text != want[0].Text {
		t.Errorf("events are %v, want %v", got, want)
	}
	if got := there.tenures(streams[0]); len(got) != 1 || got[0].From != "192.0.2.1:5" {
		t.Errorf("the sources were %v", got)
	}
	rings := parts[0].Pump.Hour.Rings
	for i := range rings {
		rings[i].Value = make([]float32, 7)
	}
	if newHistory(streams).resume(parts, streams) == nil {
		t.Error("a ring of another size is taken")
	}
}

// Who has guessed passwords goes on to wait for their turns, in what another process has left as in the pieces of it.
func TestGuessersMove(t *testing.T) {
	r := newRig(t, pushStream("a", ""), pushStream("b", ""))
	from := netip.MustParseAddr("192.0.2.1")
	for range 7 {
		r.desk.record.Wrong(0, from, r.at)
	}
	d := newDesk(&Subject{Clock: r.s.Clock, Log: r.s.Log, Past: r.Past().Parts(1)})
	want, _ := r.desk.record.Turn(0, from, r.at)
	if got, ok := d.record.Turn(0, from, r.at); got != want || !ok || got == r.at {
		t.Errorf("the next turn is at %d, %v, want %d", got, ok, want)
	}
	bad := []auth.Guesser{{Wrong: -1}}
	if err := d.remember(bad); err == nil {
		t.Error("nonsense is taken")
	}
	newDesk(&Subject{Clock: r.s.Clock, Log: r.s.Log, Past: []*Past{{Guessers: bad}}})
}
