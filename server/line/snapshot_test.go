package line

import (
	"bytes"
	"encoding/gob"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/server/clock"
	"pumpd/server/gobtest"
)

// moved goes on in another process, which has settings.
func (m *model) moved(settings Settings) *model {
	m.t.Helper()
	n := newModel(m.t, settings.BitsPerSecond, m.carries)
	n.line.Set(settings)
	n.now, n.waits, n.joined = m.now, m.waits, slices.Clone(m.joined)
	n.line.Demand(int64(len(n.joined)) * each)
	s := gobtest.Passed(m.t, m.line.Snapshot())
	if err := n.line.Restore(&s, n.now); err != nil {
		m.t.Fatal(err)
	}
	return n
}

// What a line was found to carry counts in the process that goes on: nobody comes in there who would have to go again.
func TestFoundRateMoves(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	m.fill(20, 8*time.Second)
	m.pass(10 * time.Second)
	n := m.moved(m.line.settings)
	if n.line.View() != m.line.View() {
		t.Errorf("%+v, want %+v", n.line.View(), m.line.View())
	}
	before := len(m.ended)
	for _, of := range []*model{m, n} {
		of.fill(20, 8*time.Second)
		of.pass(10 * time.Second)
	}
	n.wantViewers(55, 62)
	if got, want := len(n.ended), len(m.ended)-before; got > want+2 {
		t.Errorf("%d had to go that were let in, and %d where nothing has moved", got, want)
	}
}

// A line that is full is so in the process that goes on, until it is seen that it is not.
func TestFullLineMoves(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	m.fill(20, 8*time.Second)
	m.carries = 1.5e6
	for !m.line.Full() {
		m.pass(250 * time.Millisecond)
	}
	n := m.moved(m.line.settings)
	if !n.line.Full() || !n.line.Trouble() || !n.shut || n.changes != 1 || n.join() {
		t.Errorf("full %v, trouble %v, shut %v, %d changes; want that nobody gets in", n.line.Full(), n.line.Trouble(),
			n.shut, n.changes)
	}
	n.pass(40 * time.Second)
	if n.line.Full() || n.shut {
		t.Error("it is full for ever")
	}
	n.wantViewers(30, 37)
}

// Who has looked for more in vain goes on to be patient.
func TestPatienceMoves(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	m.fill(20, 5*time.Minute)
	was := m.line.Snapshot()
	if was.Patience <= leastPatience || was.Raised == 0 || was.Relieved == 0 || was.Alarmed == 0 || was.Ended == 0 {
		t.Fatalf("nobody has become patient: %+v", was)
	}
	if got := m.moved(m.line.settings).line.Snapshot(); got != was {
		t.Errorf("%+v, want %+v", got, was)
	}
}

// With other settings nothing of it holds but what was counted.
func TestOtherSettingsForget(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	m.fill(20, 8*time.Second)
	m.line.Settle(0, 7, Burst)
	n := m.moved(Settings{BitsPerSecond: 100e6, Reserve: 0.05})
	if v := n.line.View(); v.Carries != 12.5e6 || v.Full || v.Bursts != 7 {
		t.Errorf("%+v", v)
	}
	if n = m.moved(Settings{}); n.line.Known() {
		t.Error("a line that nobody watches is known")
	}
}

func TestRestoreRefuses(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	m.fill(20, 8*time.Second)
	for _, c := range []struct {
		want  string
		spoil func(*Snapshot)
	}{
		{"carries", func(s *Snapshot) { s.Rate = -1 }},
		{"carries", func(s *Snapshot) { s.Rate = mostRate + 1 }},
		{"carries", func(s *Snapshot) { s.Settings.BitsPerSecond = 8 }},
		{"nobody knows", func(s *Snapshot) { s.Rate, s.Full = 0, true }},
		{"patience", func(s *Snapshot) { s.Patience = 0 }},
		{"patience", func(s *Snapshot) { s.Patience = mostPatience + 1 }},
		{"step", func(s *Snapshot) { s.Step = 0 }},
		{"step", func(s *Snapshot) { s.Step = math.NaN() }},
		{"step", func(s *Snapshot) { s.Step = mostStep * 2 }},
		{"moment", func(s *Snapshot) { s.Ended = m.now + 1 }},
		{"moment", func(s *Snapshot) { s.Alarmed = -1 }},
		{"moment", func(s *Snapshot) { s.Relieved = m.now + 1 }},
		{"moment", func(s *Snapshot) { s.Raised = m.now + 1 }},
	} {
		s := m.line.Snapshot()
		c.spoil(&s)
		err := newModel(t, 0, 2.5e6).line.Restore(&s, m.now)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// FuzzRestore takes what a process has found out, or what has become of that. If it does, the line is judged on.
func FuzzRestore(f *testing.F) {
	m := newModel(&testing.T{}, 0, 2.5e6)
	f.Add(gobtest.Encoded(f, m.line.Snapshot()), []byte{}, int64(0), int64(0))
	m.fill(20, 8*time.Second)
	f.Add(gobtest.Encoded(f, m.line.Snapshot()), []byte{}, int64(m.now), int64(0))
	f.Add(gobtest.Encoded(f, m.line.Snapshot()), []byte{3, 0, 1, 1}, int64(m.now), int64(20e6))
	f.Fuzz(func(t *testing.T, b, script []byte, at, configured int64) {
		var s Snapshot
		if len(b) > 1<<16 || len(script) > 100 || at < 0 || at > 1<<60 || configured < 0 || configured > 1<<40 ||
			gob.NewDecoder(bytes.NewReader(b)).Decode(&s) != nil {
			return
		}
		gobtest.Spoil(&s, script)
		n := newModel(t, configured, 2.5e6)
		n.now = clock.Instant(at)
		if n.line.Restore(&s, n.now) != nil {
			return
		}
		n.fill(20, 2*time.Second)
		n.pass(2 * time.Minute)
		if rate := n.line.rate.Load(); rate < 0 || n.line.Full() || n.shut {
			t.Fatalf("carries %d, full %v, shut %v", rate, n.line.Full(), n.shut)
		}
	})
}
