package admission

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"strings"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/gobtest"
)

// ofOne is a ledger of one stream.
func ofOne() *Ledger {
	l := New()
	l.SetStream(0, StreamLimits{})
	return l
}

// A feed is the counters of a stream that declares 300 kbit/s and takes what it wants.
type feed struct{ now Sample }

// measure has ledgers measure it for some seconds, at so many bytes each.
func (f *feed) measure(seconds, bytes int, ledgers ...*Ledger) {
	for range seconds {
		f.now.Declared, f.now.Packet = 300e3, 1400
		f.now.Bytes += uint64(bytes)
		f.now.Packets += uint64(bytes) / 1000
		f.now.At = f.now.At.Add(time.Second)
		for _, l := range ledgers {
			l.Measure(0, f.now)
		}
	}
}

// moved is a ledger of another process that knows what l does.
func (f *feed) moved(t *testing.T, l *Ledger) *Ledger {
	t.Helper()
	to := ofOne()
	s := gobtest.Passed(t, l.Snapshot(0))
	if err := to.Restore(0, &s, f.now); err != nil {
		t.Fatal(err)
	}
	return to
}

// What was measured counts in the process that goes on, and is measured on as if nothing was, wherever it was.
func TestMeasuredMoves(t *testing.T) {
	var f feed
	l := ofOne()
	ledgers := []*Ledger{l}
	for i, step := range []struct{ seconds, bytes int }{
		{1, 60e3}, {4, 60e3}, {30, 60e3}, {25, 20e3}, {5, 0}, {8, 0}, {2, 50e3}, {1801, 40e3}, {1801, 30e3}, {3, 20e3},
	} {
		ledgers = append(ledgers, f.moved(t, l))
		f.measure(step.seconds, step.bytes, ledgers...)
		for n, to := range ledgers[1:] {
			if got, want := to.Snapshot(0), l.Snapshot(0); !reflect.DeepEqual(got, want) {
				t.Fatalf("step %d: the one of step %d: %+v, want %+v", i, n, got, want)
			}
			if got, want := to.CostOf(0, TLS), l.CostOf(0, TLS); got != want || got == 0 {
				t.Errorf("step %d: a viewer costs %d, want %d", i, got, want)
			}
		}
	}
	if got := f.moved(t, l).CostOf(0, 0); got < 320e3 {
		t.Errorf("a viewer costs %d, and it was more for half an hour", got)
	}
}

// Who was refused is counted on.
func TestRefusedMoves(t *testing.T) {
	var f feed
	l := ofOne()
	l.SetLimits(Limits{Viewers: 1})
	f.measure(1, 60e3, l)
	fill(l, ask())
	s := l.Snapshot(0)
	s.Refused.Add("newer than this", 7)
	to := f.moved(t, l)
	if got := to.View().Streams[0].Refused; got != l.View().Streams[0].Refused || got[Viewers] != 1 {
		t.Errorf("refused %v", got)
	}
	if err := to.Restore(0, &s, f.now); err != nil {
		t.Error(err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	var f feed
	l := ofOne()
	f.measure(30, 60e3, l)
	for _, c := range []struct {
		want  string
		spoil func(*StreamSnapshot)
	}{
		{"declared", func(s *StreamSnapshot) { s.Declared = -1 }},
		{"declared", func(s *StreamSnapshot) { s.Declared = mostBits + 1 }},
		{"declared", func(s *StreamSnapshot) { s.Packet = -1 }},
		{"declared", func(s *StreamSnapshot) { s.Packet = mostPacket + 1 }},
		{"12 readings", func(s *StreamSnapshot) {
			s.Measured.Readings = append(s.Measured.Readings, s.Measured.Readings[10])
		}},
		{"reading 1: counts backwards", func(s *StreamSnapshot) { s.Measured.Readings[1].Bytes = 1 }},
		{"reading 1: counts backwards", func(s *StreamSnapshot) { s.Measured.Readings[1].Packets = 1 }},
		{"reading 1: counts backwards", func(s *StreamSnapshot) { s.Measured.Readings[1].At = 1 }},
		{"reading 0: counts backwards", func(s *StreamSnapshot) { s.Measured.Readings[0].At = -1 }},
		{"more than there was", func(s *StreamSnapshot) { s.Measured.Readings[10].Bytes = f.now.Bytes + 1 }},
		{"more than there was", func(s *StreamSnapshot) { s.Measured.Readings[10].Packets = f.now.Packets + 1 }},
		{"more than there was", func(s *StreamSnapshot) { s.Measured.Readings[10].At = f.now.At + 1 }},
		{"to skip", func(s *StreamSnapshot) { s.Measured.Skip = skipped + 1 }},
		{"to skip", func(s *StreamSnapshot) { s.Measured.Skip = -1 }},
		{"to wait", func(s *StreamSnapshot) { s.Measured.Awake = span + 1 }},
		{"to wait", func(s *StreamSnapshot) { s.Measured.Awake = -1 }},
		{"bit/s", func(s *StreamSnapshot) { s.Measured.Mean = -1 }},
		{"bit/s", func(s *StreamSnapshot) { s.Measured.Peak = mostBits + 1 }},
		{"bit/s", func(s *StreamSnapshot) { s.Measured.Before = mostBits + 1 }},
		{"packets of", func(s *StreamSnapshot) { s.Measured.Packet = -1 }},
		{"packets of", func(s *StreamSnapshot) { s.Measured.Packet = mostPacket + 1 }},
		{"1801 packets of 1800", func(s *StreamSnapshot) { s.Measured.Seen = f.now.Packets + 1 }},
		{"half an hour", func(s *StreamSnapshot) { s.Measured.Halved = -1 }},
		{"half an hour", func(s *StreamSnapshot) { s.Measured.Halved = f.now.At + 1 }},
	} {
		s := gobtest.Passed(t, l.Snapshot(0))
		c.spoil(&s)
		if err := ofOne().Restore(0, &s, f.now); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// FuzzRestore takes what a process has learned of a stream, or what has become of that. If it does, it can be measured
// on.
func FuzzRestore(f *testing.F) {
	var of feed
	l := ofOne()
	f.Add(gobtest.Encoded(f, l.Snapshot(0)), []byte{}, uint64(0), uint64(0), int64(0))
	of.measure(3, 60e3, l)
	f.Add(gobtest.Encoded(f, l.Snapshot(0)), []byte{}, of.now.Bytes, of.now.Packets, int64(of.now.At))
	of.measure(30, 60e3, l)
	f.Add(gobtest.Encoded(f, l.Snapshot(0)), []byte{3, 0, 1, 1}, of.now.Bytes, of.now.Packets, int64(of.now.At))
	f.Fuzz(func(t *testing.T, b, script []byte, bytesIn, packets uint64, at int64) {
		var s StreamSnapshot
		if len(b) > 1<<16 || len(script) > 100 || bytesIn > 1<<50 || packets > 1<<40 || at < 0 || at > 1<<60 ||
			gob.NewDecoder(bytes.NewReader(b)).Decode(&s) != nil {
			return
		}
		gobtest.Spoil(&s, script)
		of := feed{Sample{Bytes: bytesIn, Packets: packets, At: clock.Instant(at)}}
		l := ofOne()
		if l.Restore(0, &s, of.now) != nil {
			return
		}
		for range 30 {
			of.measure(1, 50e3, l)
			if got := l.CostOf(0, TLS|Padded); got < 0 {
				t.Fatalf("a viewer costs %d bit/s", got)
			}
		}
	})
}
