package line

import (
	"slices"
	"testing"
	"time"

	"pumpd/server/clock"
)

// A model is a line with viewers of 300 kbit/s who all stand in one queue, seen four times a second.
type model struct {
	t       *testing.T
	line    *Line
	now     clock.Instant
	carries float64         // bytes a second
	waits   float64         // bytes in the queue and in sockets
	joined  []clock.Instant // of the viewers, oldest first
	ended   []clock.Instant
	spoilt  float64 // share of viewers that are pressed by their own last mile
	changes int
	shut    bool
}

const each = 40_000 // bytes a second of one viewer

func newModel(t *testing.T, configured int64, carries float64) *model {
	m := &model{t: t, carries: carries}
	m.line = New(Options{
		Settings: Settings{BitsPerSecond: configured, Auto: configured == 0, Reserve: 0.05},
		Changed:  func(int64, bool) { m.changes++ },
		Shut:     func(shut bool) { m.shut = shut },
		Free: func() int64 {
			if m.line.Full() {
				return 0
			}
			return m.line.rate.Load()*95/100 - int64(len(m.joined))*each
		},
	})
	return m
}

// join is false where there is no room.
func (m *model) join() bool {
	if m.shut || m.line.Known() && m.line.free() < each {
		return false
	}
	m.joined = append(m.joined, m.now+1)
	m.line.Demand(each)
	return true
}

// pass runs the line for a while.
func (m *model) pass(d time.Duration) {
	for end := m.now.Add(d); m.now < end; m.now = m.now.Add(250 * time.Millisecond) {
		const step = 0.25
		given := float64(len(m.joined)) * each
		if rate := float64(m.line.rate.Load()) * paced; rate > 0 {
			given = min(given, rate)
		}
		arrived := min(m.carries, given+m.waits/step)
		m.waits = min(m.waits+(given-arrived)*step, float64(len(m.joined))*65536)
		r := Report{Viewers: len(m.joined), Witnesses: len(m.joined), Given: int64(given), Delivered: int64(arrived),
			Pressed: int(m.spoilt * float64(len(m.joined)))}
		if m.waits > m.carries*0.08 {
			r.Pressed = len(m.joined)
		}
		r.Newest = slices.Clone(m.joined)
		slices.Reverse(r.Newest)
		if from, ok := m.line.Report(0, r, m.now); ok {
			m.end(from)
		}
	}
}

func (m *model) end(from clock.Instant) {
	for n := len(m.joined); n > 0 && m.joined[n-1] >= from; n-- {
		m.ended = append(m.ended, m.joined[n-1])
		m.joined = m.joined[:n-1]
		m.line.Demand(-each)
		m.waits -= m.waits / float64(n)
	}
}

func (m *model) fill(perSecond int, d time.Duration) (in int) {
	for range int(d.Seconds() * 4) {
		for range perSecond / 4 {
			if m.join() {
				in++
			}
			m.now++
		}
		m.pass(250 * time.Millisecond)
	}
	return in
}

func (m *model) wantViewers(least, most int) {
	m.t.Helper()
	if n := len(m.joined); n < least || n > most {
		m.t.Errorf("%v: %d viewers, want %d to %d; %d ended, the line is taken to carry %d", time.Duration(m.now), n, least,
			most, len(m.ended), m.line.rate.Load())
	}
}

// A line that is configured right is never full, however many want to come.
func TestConfiguredLineIsFilled(t *testing.T) {
	m := newModel(t, 20e6, 2.5e6)
	m.fill(20, 30*time.Second)
	m.wantViewers(59, 59)
	if len(m.ended) > 0 || m.changes > 0 {
		t.Errorf("%d ended, %d changes", len(m.ended), m.changes)
	}
}

// A line of which nothing is known is found to be full, and what it carries; the newest are ended until the others
// flow.
func TestAutoFindsWhatTheLineCarries(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	first := m.now + 1
	m.fill(20, 8*time.Second)
	m.pass(10 * time.Second)
	m.wantViewers(55, 62)
	if m.line.Full() || m.waits > 0 {
		t.Errorf("full %v, %.0f bytes wait", m.line.Full(), m.waits)
	}
	if m.joined[0] != first {
		t.Error("the first viewer was ended")
	}
	if rate := m.line.rate.Load(); rate < 2.4e6 || rate > 2.65e6 {
		t.Errorf("taken to carry %d", rate)
	}
}

// When the line narrows the newest are ended, soon and no more than need be; when it widens there is room again.
func TestLineNarrowsAndWidens(t *testing.T) {
	for _, configured := range []int64{20e6, 0} {
		m := newModel(t, configured, 2.5e6)
		m.fill(20, 10*time.Second)
		m.pass(20 * time.Second)
		before := slices.Clone(m.joined)
		m.carries = 1.5e6
		m.pass(10 * time.Second)
		m.wantViewers(33, 37)
		if !slices.Equal(m.joined, before[:len(m.joined)]) {
			t.Error("others than the newest were ended")
		}
		m.pass(20 * time.Second)
		if m.waits > 0 {
			t.Errorf("%.0f bytes wait", m.waits)
		}
		m.carries = 2.5e6
		if in := m.fill(4, 30*time.Second); in < 10 {
			t.Errorf("%d viewers got in within 30 s", in)
		}
		m.fill(4, 90*time.Second)
		m.wantViewers(55, 62)
	}
}

// Where there is more demand than the line carries, looking for more disturbs ever more seldom.
func TestLookingForMoreGetsRare(t *testing.T) {
	m := newModel(t, 0, 2.5e6)
	m.fill(20, time.Minute)
	early := len(m.ended)
	m.fill(4, 10*time.Minute)
	if late := len(m.ended) - early; late > 60 {
		t.Errorf("%d viewers came only to be ended in ten minutes", late)
	}
	m.wantViewers(50, 64)
}

// Slow viewers, fewer than most, are no full line.
func TestSlowViewersAreNoFullLine(t *testing.T) {
	m := newModel(t, 0, 1e9)
	m.spoilt = 0.6
	m.fill(40, 10*time.Second)
	m.pass(time.Minute)
	if m.changes > 0 || len(m.ended) > 0 || m.line.Known() {
		t.Errorf("%d changes, %d ended", m.changes, len(m.ended))
	}
}

// Nor are three viewers enough to tell, or a second in which all are held up.
func TestFewOrShortTroubleIsNoFullLine(t *testing.T) {
	m := newModel(t, 0, 1e9)
	m.fill(4, time.Second)
	m.joined = m.joined[:3]
	m.spoilt = 1
	m.pass(time.Minute)
	m.spoilt = 0
	m.fill(40, 5*time.Second)
	for range 20 {
		m.spoilt = 1
		m.pass(750 * time.Millisecond)
		m.spoilt = 0
		m.pass(250 * time.Millisecond)
	}
	if m.changes > 0 {
		t.Errorf("%d changes", m.changes)
	}
}

// While nothing is known of the line nobody comes in as long as there is trouble, however short: it costs little, and
// the log is not bothered.
func TestNewcomersWaitWhileThereIsTrouble(t *testing.T) {
	m := newModel(t, 0, 1e9)
	m.fill(40, 2*time.Second)
	for _, trouble := range []bool{true, false, true, false} {
		m.spoilt = 0
		if trouble {
			m.spoilt = 1
		}
		m.pass(250 * time.Millisecond)
		if m.shut != trouble || m.changes > 0 {
			t.Errorf("trouble %v: shut %v, %d changes", trouble, m.shut, m.changes)
		}
	}
}

// Several loops see one line, and those that report no more do not count.
func TestLoopsAreAddedUp(t *testing.T) {
	l := newLine(0)
	now := clock.Instant(0)
	ends := [2]clock.Instant{}
	l.Demand(2e6)
	for range 12 {
		now = now.Add(125 * time.Millisecond)
		for loop := range 2 {
			r := Report{Viewers: 10, Witnesses: 3, Pressed: 3, Given: 9e5, Delivered: 5e5,
				Newest: []clock.Instant{clock.Instant(200 + loop), clock.Instant(100 + loop)}}
			if from, ok := l.Report(loop, r, now.Add(time.Duration(loop)*60*time.Millisecond)); ok {
				ends[loop] = from
			}
		}
	}
	if got := l.rate.Load(); got != 1e6 {
		t.Errorf("carries %d, want 1000000", got)
	}
	if ends[0] == 0 || ends[0] != ends[1] {
		t.Errorf("told to end from %v on", ends)
	}
}
