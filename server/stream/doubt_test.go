package stream

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"syscall"
	"testing"
	"time"

	"pumpd/asf/asftest"
)

// No damaged packet makes a generation, moves the times of what follows, or costs more than itself; from a source of
// any kind, anywhere on its clock.
func TestDamagedPacketIsDropped(t *testing.T) {
	for _, kind := range []Kind{Push, Pull, File, Slate} {
		for _, start := range []uint32{0, 10_000_000, math.MaxUint32 - 1000, 1<<31 - 1000} {
			for _, c := range asftest.Damages {
				t.Run(fmt.Sprintf("%v/%d/%s", kind, start, c.Name), func(t *testing.T) {
					f := newStudio(t, nil)
					f.claim(kind)
					f.header(320)
					f.publishDamaged(start, 0, 60, c.Done)
					f.judge(slices.DeleteFunc(asftest.Numbers(0, 60), func(n uint32) bool { return slices.Contains(c.Lost, n) }),
						len(c.Lost))
					if got := int32(f.st.chain.sendTime - start - 59*40); got != 0 && got != -40 {
						t.Errorf("the chain's clock is %d ms off", got)
					}
				})
			}
		}
	}
}

// publishDamaged publishes packets, 40 ms apart.
func (f *studio) publishDamaged(start, from, to uint32, done asftest.Damage) {
	f.t.Helper()
	for n := from; n < to; n++ {
		b := asftest.Packet(n, start+n*40, n%10 == 0, asftest.PacketSize, 500)
		if d := done[n]; d != nil {
			d(b)
		}
		if err := f.src.Packet(b); err != nil {
			f.t.Fatal(err)
		}
		f.pass(40 * time.Millisecond)
	}
}

// judge wants these packets in one generation, and the rest counted; the last may still wait for one that agrees.
func (f *studio) judge(want []uint32, lost int) {
	f.t.Helper()
	f.wants(want)
	waits := 0
	if f.src.doubt.b != nil {
		waits = 1
	}
	if n := f.st.stats.BadPackets.Load(); int(n)+waits != lost || f.st.stats.Generations.Load() != 1 {
		f.t.Errorf("%d bad packets in %d generations, want %d in 1", n, f.st.stats.Generations.Load(), lost)
	}
}

// The first packets of a stream that nobody has fed before.
func TestDamagedFirstPacket(t *testing.T) {
	for _, c := range []struct {
		name string
		done asftest.Damage
		from uint32 // the first packet that viewers get
		lost int
	}{
		{"zeros", asftest.Damage{0: asftest.Zeroed}, 10, 1},
		{"sent 20 minutes ahead", asftest.Damage{0: asftest.SentOff(20 * time.Minute)}, 10, 1},
		{"sent 20 minutes back", asftest.Damage{0: asftest.SentOff(-20 * time.Minute)}, 10, 1},
		{"20 minutes ahead", asftest.Damage{0: asftest.OffBy(20 * time.Minute)}, 0, 0}, // the others count as off
		{"20 minutes back", asftest.Damage{0: asftest.OffBy(-20 * time.Minute)}, 0, 0},
		{"the second, 20 minutes ahead", asftest.Damage{1: asftest.OffBy(20 * time.Minute)}, 0, 1},
		{"the second, zeros", asftest.Damage{1: asftest.Zeroed}, 0, 1},
	} {
		for _, start := range []uint32{5_000_000, math.MaxUint32 - 100} {
			t.Run(fmt.Sprintf("%s/%d", c.name, start), func(t *testing.T) {
				f := newStudio(t, nil)
				f.header(320)
				f.publishDamaged(start, 0, 60, c.done)
				f.judge(slices.DeleteFunc(asftest.Numbers(c.from, 60), func(n uint32) bool { return n == 1 && c.done[1] != nil }),
					c.lost)
				for i, step := range f.steps() {
					if step < 0 || step > 80*time.Millisecond {
						t.Errorf("step %d is %v", i, step)
					}
				}
			})
		}
	}
}

// steps are the differences of the send times in the chain.
func (f *studio) steps() (list []time.Duration) {
	var last uint32
	for _, e := range f.chain() {
		if e.kind == PacketElement {
			sent := binary.LittleEndian.Uint32(e.full[7:])
			list, last = append(list, time.Duration(int32(sent-last))*time.Millisecond), sent
		}
	}
	return list[1:]
}

// The first packets of a source that comes back, with viewers waiting: on the clock it had, and on another.
func TestDamagedFirstPacketAfterAnOutage(t *testing.T) {
	for _, kind := range []Kind{Push, Pull, Slate} {
		for _, start := range []uint32{1_000_000, 77, 5_000_000, math.MaxUint32 - 1000} {
			for _, c := range []struct {
				name string
				done asftest.Damage
				from uint32
				lost int
			}{
				{"none", nil, 60, 0},
				{"zeros", asftest.Damage{60: asftest.Zeroed}, 70, 1},
				{"sent 20 minutes ahead", asftest.Damage{60: asftest.SentOff(20 * time.Minute)}, 70, 1},
				{"20 minutes ahead", asftest.Damage{60: asftest.OffBy(20 * time.Minute)}, 70, 1},
				{"20 minutes back", asftest.Damage{60: asftest.OffBy(-20 * time.Minute)}, 70, 1},
				{"the second, 20 minutes ahead", asftest.Damage{61: asftest.OffBy(20 * time.Minute)}, 60, 1},
			} {
				t.Run(fmt.Sprintf("%v/%d/%s", kind, start, c.name), func(t *testing.T) {
					f := newStudio(t, nil)
					f.header(320)
					f.publishDamaged(1_000_000, 0, 60, nil)
					f.src.Lost(syscall.ECONNRESET)
					f.pass(5 * time.Second)
					f.claim(kind)
					f.header(320)
					if kind == Slate {
						f.src.Follow(TieOther)
					}
					f.publishDamaged(start, 60, 120, c.done)
					have := func(n uint32) bool { return n < 60 || n >= c.from && c.done[n] == nil }
					f.wants(slices.DeleteFunc(asftest.Numbers(0, 120), func(n uint32) bool { return !have(n) }))
				})
			}
		}
	}
}

// A clock that really changes is another generation with its second packet, and loses none.
func TestChangedClockIsBelievedAtTheSecondPacket(t *testing.T) {
	for _, to := range []uint32{0, 5_000_000, math.MaxUint32 - 60} {
		f := newStudio(t, nil)
		f.header(320)
		f.publishDamaged(2_000_000, 0, 30, nil)
		for n := uint32(30); n < 33; n++ {
			if err := f.src.Packet(asftest.Packet(n, to+(n-30)*40, n == 30, asftest.PacketSize, 500)); err != nil {
				t.Fatal(err)
			}
			if got, want := f.st.stats.Generations.Load(), uint64(min(n-29, 2)); got != want {
				t.Errorf("to %d: generation %d at packet %d, want %d", to, got, n, want)
			}
			f.pass(40 * time.Millisecond)
		}
		if headers, got := f.published(); headers != 2 || !slices.Equal(got, asftest.Numbers(0, 33)) {
			t.Errorf("to %d: %d headers, packets %v", to, headers, got)
		}
	}
}

// Packets that are far apart are no damage: neither in a burst nor where the source was silent.
func TestSparsePacketsAreNoDamage(t *testing.T) {
	for name, pass := range map[string]time.Duration{"in a burst": 0, "in time": 13 * time.Second} {
		f := newStudio(t, nil)
		f.header(320)
		for n := range uint32(21) {
			if err := f.src.Packet(asftest.Packet(n, n*13_000, true, asftest.PacketSize, 500)); err != nil {
				t.Fatal(err)
			}
			f.pass(pass)
		}
		st := f.st
		if st.stats.PacketsIn.Load() != 21 || st.stats.BadPackets.Load() != 0 || st.stats.Generations.Load() != 1 {
			t.Errorf("%s: %d packets, %d bad, %d generations; want 21, 0, 1", name, st.stats.PacketsIn.Load(),
				st.stats.BadPackets.Load(), st.stats.Generations.Load())
		}
	}
}

// A source that nobody can believe anything of is given up.
func TestSourceWithoutAClock(t *testing.T) {
	f := newStudio(t, nil)
	f.header(320)
	f.publish(1)
	for n := range uint32(maxBadPackets + 2) {
		if err := f.src.Packet(asftest.Packet(n, (n+1)*100_000_000, true, asftest.PacketSize, 500)); err != nil {
			return
		}
	}
	t.Errorf("still there after %d packets of as many clocks", maxBadPackets+2)
}
