package admin

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"testing"
	"time"

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
	for _, part := range (&Admin{rates: r.rates}).Past().Parts(1) {
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
	parts[0].Pump.Hour.Rings["in"] = make([]float32, 7)
	if newHistory(streams).resume(parts, streams) == nil {
		t.Error("a ring of another size is taken")
	}
}
