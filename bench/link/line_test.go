package link

import (
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// of is a shape of which text says what is not 0.
func of(t *testing.T, text string) Shape {
	t.Helper()
	var s Shape
	if err := s.Set(text); err != nil {
		t.Fatal(err)
	}
	return s
}

// sendAll sends n packets of 1500 bytes at once, which carry their number.
func sendAll(l *Line, now time.Duration, n int) {
	for i := range n {
		data := make([]byte, 1500)
		data[0], data[1] = byte(i>>8), byte(i)
		l.Send(now, data)
	}
}

// An arrival is a packet and when it came.
type arrival struct {
	number int
	at     time.Duration
}

// receiveAll is what arrives until the line is empty, or until that time; nothing arrives before Next says so.
func receiveAll(t *testing.T, l *Line, until time.Duration) []arrival {
	t.Helper()
	var all []arrival
	for {
		at, ok := l.Next()
		if !ok || at > until {
			return all
		}
		if data := l.Receive(at - 1); data != nil {
			t.Fatalf("a packet at %v, before %v", at-1, at)
		}
		for data := l.Receive(at); data != nil; data = l.Receive(at) {
			all = append(all, arrival{int(data[0])<<8 | int(data[1]), at})
		}
	}
}

func TestRateAndDelay(t *testing.T) {
	l := NewLine(of(t, "rate=12Mbit,queue=1s,delay=50ms"), 1)
	sendAll(l, 10*ms, 3)
	want := []arrival{{0, 61 * ms}, {1, 62 * ms}, {2, 63 * ms}}
	if got := receiveAll(t, l, time.Hour); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	sendAll(l, 100*ms, 1) // the line was idle since 13 ms
	if got, want := receiveAll(t, l, time.Hour), []arrival{{0, 151 * ms}}; !slices.Equal(got, want) {
		t.Errorf("after a pause: got %v, want %v", got, want)
	}
	c := l.Count()
	if c.Passed != (Amount{4, 6000}) || c.LongestQueue != 4500 || c.LongestWait != 3*ms || c.OnTheWay.Packets != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestQueueDropsAtItsTail(t *testing.T) {
	for _, c := range []struct {
		shape string
		fit   int
	}{
		{"rate=12Mbit,queue=250ms", 250},
		{"rate=12Mbit,queue=15000", 10},
		{"rate=12Mbit,queue=14999", 9},
		{"rate=12Mbit,queue=0", 1}, // an idle line takes one
		{"rate=0,queue=0,delay=1s", 300},
	} {
		l := NewLine(of(t, c.shape), 1)
		sendAll(l, 0, 300)
		got := receiveAll(t, l, time.Hour)
		if len(got) != c.fit || got[c.fit-1].number != c.fit-1 {
			t.Errorf("%s: %d arrived, want the first %d", c.shape, len(got), c.fit)
		}
		if n := l.Count().Dropped.Packets; n != int64(300-c.fit) {
			t.Errorf("%s: %d dropped, want %d", c.shape, n, 300-c.fit)
		}
	}
}

// One packet makes room for one.
func TestQueueRefills(t *testing.T) {
	l := NewLine(of(t, "rate=12Mbit,queue=10ms"), 1)
	sendAll(l, 0, 20)
	for _, now := range []time.Duration{ms - 1, ms} {
		sendAll(l, now, 5)
	}
	if c := l.Count(); c.Dropped.Packets != 10+5+4 {
		t.Errorf("%d dropped, want 19", c.Dropped.Packets)
	}
}

// A packet that is half out when the rate changes goes on at the new one, and so do those behind it.
func TestRateChanges(t *testing.T) {
	const us = time.Microsecond
	for text, want := range map[string][]arrival{
		"rate=6Mbit,queue=1s":  {{0, 1500 * us}, {1, 3500 * us}, {2, 5500 * us}},
		"rate=24Mbit,queue=1s": {{0, 750 * us}, {1, 1250 * us}, {2, 1750 * us}},
		"rate=0":               {{0, 500 * us}, {1, 500 * us}, {2, 500 * us}},
	} {
		l := NewLine(of(t, "rate=12Mbit,queue=1s"), 1)
		sendAll(l, 0, 3)
		l.Set(500*us, of(t, text))
		if got := receiveAll(t, l, time.Hour); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// A queue in time shrinks with the rate; what is in it stays.
func TestQueueFollowsRate(t *testing.T) {
	l := NewLine(of(t, "rate=12Mbit,queue=10ms"), 1)
	sendAll(l, 0, 10)
	l.Set(0, of(t, "rate=6Mbit,queue=10ms"))
	sendAll(l, 0, 1)
	sendAll(l, 10*ms, 1) // five of ten are out, which is all that fits now
	sendAll(l, 12*ms, 1)
	if c := l.Count(); c.Dropped.Packets != 2 {
		t.Errorf("%d dropped, want 2", c.Dropped.Packets)
	}
}

func TestShorterDelayOvertakesNobody(t *testing.T) {
	l := NewLine(of(t, "delay=100ms"), 1)
	sendAll(l, 0, 1)
	l.Set(10*ms, of(t, "delay=0s"))
	sendAll(l, 10*ms, 1)
	l.Set(20*ms, of(t, "delay=90ms"))
	sendAll(l, 20*ms, 1)
	want := []arrival{{0, 100 * ms}, {0, 100 * ms}, {0, 110 * ms}}
	if got := receiveAll(t, l, time.Hour); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLoss(t *testing.T) {
	arrived := func(loss string, seed uint64) []arrival {
		l := NewLine(of(t, "rate=12Mbit,queue=1m,loss="+loss), seed)
		sendAll(l, 0, 10000)
		got := receiveAll(t, l, time.Hour)
		if c := l.Count(); c.Lost.Packets+int64(len(got)) != 10000 || c.Dropped.Packets != 0 || c.OnTheWay.Bytes != 0 {
			t.Errorf("%s: %+v", loss, c)
		}
		return got
	}
	once := arrived("5%", 1)
	if n := len(once); n < 9400 || n > 9600 {
		t.Errorf("%d of 10000 arrived with 5 %% loss", n)
	}
	if last := once[len(once)-1]; last.at != time.Duration(last.number+1)*ms {
		t.Errorf("packet %d at %v: lost packets take their time too", last.number, last.at)
	}
	if !slices.Equal(once, arrived("5%", 1)) || slices.Equal(once, arrived("5%", 2)) {
		t.Error("the seed alone must decide what is lost")
	}
	if n := len(arrived("0%", 1)); n != 10000 {
		t.Errorf("%d arrived without loss", n)
	}
	if n := len(arrived("100%", 1)); n != 0 {
		t.Errorf("%d arrived with 100 %% loss", n)
	}
}

func TestLineIsBounded(t *testing.T) {
	l := NewLine(of(t, "delay=10s"), 1)
	data := make([]byte, 64<<10)
	for range 2000 {
		l.Send(0, data)
	}
	if c := l.Count(); c.OnTheWay.Bytes != maxHeld || c.Dropped.Packets != 2000-maxHeld>>16 {
		t.Errorf("got %+v", c)
	}
}
