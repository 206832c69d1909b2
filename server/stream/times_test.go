package stream

import (
	"encoding/binary"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
)

// What is taken for the clock of the source before, and what is not.
func TestClockOfASourceThatFollows(t *testing.T) {
	const away = 20 * time.Second
	for _, c := range []struct {
		name  string
		ahead time.Duration // of the last packet before
		want  time.Duration
	}{
		{"went on meanwhile", away, away},
		{"stood still meanwhile", 40 * time.Millisecond, 40 * time.Millisecond},
		{"a little fast", away + 4*time.Second, away + 4*time.Second},
		{"began again", -time.Hour, away},
		{"a moment back", -40 * time.Millisecond, away},
		{"a backup that was started before", 5 * time.Minute, away},
		{"a day ahead", 24 * time.Hour, away},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newStudio(t, nil)
			f.header(320)
			f.next = 200_000
			f.publish(1)
			st := f.st
			last := st.chain.sendTime
			f.src.Lost(syscall.ECONNRESET)
			f.pass(away - 40*time.Millisecond) // which publish has passed
			f.claim(File)
			f.header(320)
			for i := range uint32(2) { // another clock is believed at its second packet
				if err := f.src.Packet(asftest.Packet(10+i, last+uint32(c.ahead.Milliseconds())+40*i, i == 0, asftest.PacketSize,
					500)); err != nil {
					t.Fatal(err)
				}
				f.pass(40 * time.Millisecond)
			}
			got := time.Duration(int32(st.chain.sendTime-last-40)) * time.Millisecond
			if got != c.want || st.stats.Generations.Load() != 1 {
				t.Errorf("goes on after %v in generation %d, want %v in the same", got, st.stats.Generations.Load(), c.want)
			}
			if sent := binary.LittleEndian.Uint32(st.chain.last.full[7:]); sent != st.chain.sendTime {
				t.Errorf("send time %d in the packet, %d in the chain", sent, st.chain.sendTime)
			}
		})
	}
}

// A pull that came back finds its burst in the chain, and goes on where that ends. From then on it holds no element:
// one holds all that come after it.
func TestBurstOfThePastIsLetGo(t *testing.T) {
	f := newStudio(t, nil)
	f.claim(Pull)
	f.header(320)
	f.publish(60)
	f.src.Lost(syscall.ECONNRESET)
	f.claim(Pull)
	f.header(320)
	f.next = 30
	f.publish(20)
	if f.src.seen == nil {
		t.Error("the burst is not found")
	}
	f.publish(20)
	if f.src.seen != nil {
		t.Error("the source holds an element of the chain")
	}
	f.wants(asftest.Numbers(0, 70))
}
