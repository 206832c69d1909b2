package asf

import (
	"encoding/binary"
	"testing"
)

// One that goes on in another process after every packet measures the same.
func TestLapMoves(t *testing.T) {
	h := testHeader(t, 80, true)
	var stays, moves Lap
	// Damage to one, and a gap; three objects in a packet, of two streams.
	for i, send := range []uint32{0, 40, 80, 5_000_000, 120, 20_000, 20_040, 20_080} {
		b := loopPacket(t, send, loopObject(1, send+3000), loopRun(2, send+3010, 7))
		p, err := h.ParsePacket(b)
		if err != nil {
			t.Fatal(err)
		}
		state, err := moves.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		moves = Lap{}
		if err := moves.UnmarshalBinary(state); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		at, ok := moves.Add(h, b, p)
		due, fits := stays.Add(h, b, p)
		if !stays.Confirmed { // then it means nothing
			stays.Before = moves.Before
		}
		if at != due || ok != fits || moves != stays {
			t.Fatalf("packet %d: due %v, fits %v, %+v, want %v, %v, %+v", i, at, ok, moves.Track, due, fits, stays.Track)
		}
	}
}

func TestLapRefuses(t *testing.T) {
	le := binary.LittleEndian
	good, _ := (&Lap{spans: [maxStream + 1]span{1: {objects: 3, origin: 4, first: 5, last: 6}}}).MarshalBinary()
	for name, spoil := range map[string]func(b []byte) []byte{
		"nothing":             func([]byte) []byte { return nil },
		"cut":                 func(b []byte) []byte { return b[:len(b)-1] },
		"longer":              func(b []byte) []byte { return append(b, 0) },
		"packets less than 0": func(b []byte) []byte { le.PutUint64(b, 1<<63); return b },
		"too late":            func(b []byte) []byte { le.PutUint64(b[20:], 1<<60); return b },
		"later than at all":   func(b []byte) []byte { le.PutUint64(b[12:], 1); return b },
		"no such stream":      func(b []byte) []byte { b[lapBytes] = 128; return b },
		"no objects":          func(b []byte) []byte { le.PutUint32(b[lapBytes+1:], 0); return b },
		"too many objects":    func(b []byte) []byte { le.PutUint32(b[lapBytes+1:], 1<<31); return b },
	} {
		if err := new(Lap).UnmarshalBinary(spoil(append([]byte(nil), good...))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := new(Lap).UnmarshalBinary(good); err != nil {
		t.Error(err)
	}
}
