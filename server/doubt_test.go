package server

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
)

// A damage is what is done to some packets of a source, by their place in it.
type damage map[uint32]func(b []byte)

func zeroed(b []byte) { clear(b) }

// sentOff moves the send time of a packet, offBy its presentation time too.
func sentOff(by time.Duration) func(b []byte) { return func(b []byte) { moveTime(b[7:], by) } }
func offBy(by time.Duration) func(b []byte) {
	return func(b []byte) { moveTime(b[7:], by); moveTime(b[25:], by) }
}

// sentAt sets the send time.
func sentAt(ms uint32) func(b []byte) {
	return func(b []byte) { binary.LittleEndian.PutUint32(b[7:], ms) }
}

func moveTime(b []byte, by time.Duration) {
	binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)+uint32(by.Milliseconds()))
}

const minutes20 = 20 * time.Minute

// damages are with what is lost of 60 packets, every tenth of which is a key frame.
var damages = []struct {
	name string
	done damage
	lost []uint32
}{
	{"zeros", damage{25: zeroed}, []uint32{25}},
	{"zeros at the key frame", damage{30: zeroed}, []uint32{30}},
	{"zeros, twice running", damage{25: zeroed, 26: zeroed}, []uint32{25, 26}},
	{"zeros at the end", damage{59: zeroed}, []uint32{59}},
	{"zeros all over", damage{5: zeroed, 10: zeroed, 29: zeroed, 30: zeroed, 31: zeroed}, []uint32{5, 10, 29, 30, 31}},
	{"sent at any time", damage{25: sentAt(123_456_789)}, []uint32{25}},
	{"sent 20 minutes ahead", damage{25: sentOff(minutes20)}, []uint32{25}},
	{"sent 20 minutes back", damage{25: sentOff(-minutes20)}, []uint32{25}},
	{"20 minutes ahead", damage{25: offBy(minutes20)}, []uint32{25}},
	{"20 minutes back", damage{25: offBy(-minutes20)}, []uint32{25}},
	{"sent half a clock ahead", damage{25: sentOff(math.MaxInt32 * time.Millisecond)}, []uint32{25}},
	{"sent five minutes ahead", damage{25: sentOff(5 * time.Minute)}, []uint32{25}},
	{"sent ten seconds ahead", damage{25: sentOff(10 * time.Second)}, []uint32{25}},
	{"sent ten seconds back", damage{25: sentOff(-10 * time.Second)}, []uint32{25}},
	{"sent four seconds ahead", damage{25: sentOff(4 * time.Second)}, []uint32{25}},
	{"sent four seconds back", damage{25: sentOff(-4 * time.Second)}, []uint32{25}},
	{"sent two seconds ahead", damage{25: sentOff(2 * time.Second)}, nil},
	{"sent two seconds back", damage{25: sentOff(-2 * time.Second)}, nil},
	{"the key frame 20 minutes ahead", damage{30: offBy(minutes20)}, []uint32{30}},
	{"the last", damage{59: offBy(minutes20)}, []uint32{59}},
	{"two that do not agree", damage{25: offBy(minutes20), 26: offBy(-minutes20)}, []uint32{25, 26}},
	{"two ahead that do not agree", damage{25: offBy(minutes20), 26: offBy(2 * minutes20)}, []uint32{25, 26}},
	{"three that do not agree", damage{25: offBy(minutes20), 26: sentAt(987_654_321), 27: offBy(-minutes20)},
		[]uint32{25, 26, 27}},
	{"every other", damage{25: offBy(minutes20), 27: offBy(minutes20), 29: offBy(minutes20)}, []uint32{25, 27, 29}},
	{"zeros between a damaged one and a good one", damage{25: offBy(minutes20), 26: zeroed}, []uint32{25, 26}},
}

// No damaged packet makes a generation, moves the times of what follows, or costs more than itself; from a source of
// any kind, anywhere on its clock.
func TestDamagedPacketIsDropped(t *testing.T) {
	for _, kind := range []sourceKind{sourcePush, sourcePull, sourceFile, sourceSlate} {
		for _, start := range []uint32{0, 10_000_000, math.MaxUint32 - 1000, 1<<31 - 1000} {
			for _, c := range damages {
				t.Run(fmt.Sprintf("%v/%d/%s", kind, start, c.name), func(t *testing.T) {
					r := newRig(t, nil, "a")
					f := &feeder{rig: r, src: r.sourceOf(0, kind)}
					f.header(320)
					want := slices.DeleteFunc(numbers(0, 60), func(n uint32) bool { return slices.Contains(c.lost, n) })
					p := f.publishDamaged(start, 0, 60, c.done)
					f.judge(p, want, len(c.lost))
					if got := int32(r.reg.streams[0].chain.sent - start - 59*40); got != 0 && got != -40 {
						t.Errorf("the chain's clock is %d ms off", got)
					}
				})
			}
		}
	}
}

// publishDamaged publishes packets, 40 ms apart; a viewer joins when it can.
func (f *feeder) publishDamaged(start, from, to uint32, done damage) (p *peer) {
	f.rig.t.Helper()
	for n := from; n < to; n++ {
		b := asftest.Packet(n, start+n*40, n%10 == 0, asftest.PacketSize, 500)
		if d := done[n]; d != nil {
			d(b)
		}
		if err := f.src.packet(b); err != nil {
			f.rig.t.Fatal(err)
		}
		if p == nil && f.src.stream.up() != nil {
			p = f.rig.watch("a", ffmpegAgent)
		}
		f.rig.pass(40 * time.Millisecond)
		f.rig.turn()
	}
	return p
}

// judge wants what a viewer got, and the rest counted; the last packet may still wait for one that agrees.
func (f *feeder) judge(p *peer, want []uint32, lost int) {
	f.rig.t.Helper()
	st := f.src.stream
	if got := f.rig.read(p.body()); got.headers != 1 || p.fin || !slices.Equal(got.numbers, want) {
		f.rig.t.Errorf("%d headers, FIN %v, packets %v, want %v", got.headers, p.fin, got.numbers, want)
	}
	waits := 0
	if f.src.doubt.b != nil {
		waits = 1
	}
	if n := st.stats.badPackets.Load(); int(n)+waits != lost || st.stats.generations.Load() != 1 {
		f.rig.t.Errorf("%d bad packets in %d generations, want %d in 1", n, st.stats.generations.Load(), lost)
	}
}

// The first packets of a stream that nobody has fed before.
func TestDamagedFirstPacket(t *testing.T) {
	for _, c := range []struct {
		name string
		done damage
		from uint32 // the first packet that viewers get
		lost int
	}{
		{"zeros", damage{0: zeroed}, 10, 1},
		{"sent 20 minutes ahead", damage{0: sentOff(minutes20)}, 10, 1},
		{"sent 20 minutes back", damage{0: sentOff(-minutes20)}, 10, 1},
		{"20 minutes ahead", damage{0: offBy(minutes20)}, 0, 0}, // the others are taken for what is off
		{"20 minutes back", damage{0: offBy(-minutes20)}, 0, 0},
		{"the second, 20 minutes ahead", damage{1: offBy(minutes20)}, 0, 1},
		{"the second, zeros", damage{1: zeroed}, 0, 1},
	} {
		for _, start := range []uint32{5_000_000, math.MaxUint32 - 100} {
			t.Run(fmt.Sprintf("%s/%d", c.name, start), func(t *testing.T) {
				r := newRig(t, nil, "a")
				f := r.feeder(0, 320)
				p := f.publishDamaged(start, 0, 60, c.done)
				f.judge(p, slices.DeleteFunc(numbers(c.from, 60), func(n uint32) bool { return n == 1 && c.done[1] != nil }),
					c.lost)
				for i, step := range r.stepsOf(0) {
					if step < 0 || step > 80*time.Millisecond {
						t.Errorf("step %d is %v", i, step)
					}
				}
			})
		}
	}
}

// stepsOf are the differences of the send times in a chain, from the first join point on.
func (r *rig) stepsOf(i int) (list []time.Duration) {
	st := r.reg.streams[i]
	var last uint32
	for _, e := range elements(st.joins.Load().start) {
		if e.kind == packetElement {
			sent := binary.LittleEndian.Uint32(e.full[7:])
			list, last = append(list, time.Duration(int32(sent-last))*time.Millisecond), sent
		}
	}
	return list[1:]
}

// The first packets of a source that comes back, with viewers waiting: on the clock it had, and on another.
func TestDamagedFirstPacketAfterAnOutage(t *testing.T) {
	for _, kind := range []sourceKind{sourcePush, sourcePull, sourceSlate} {
		for _, start := range []uint32{1_000_000, 77, 5_000_000, math.MaxUint32 - 1000} {
			for _, c := range []struct {
				name string
				done damage
				from uint32
				lost int
			}{
				{"none", nil, 60, 0},
				{"zeros", damage{60: zeroed}, 70, 1},
				{"sent 20 minutes ahead", damage{60: sentOff(minutes20)}, 70, 1},
				{"20 minutes ahead", damage{60: offBy(minutes20)}, 70, 1},
				{"20 minutes back", damage{60: offBy(-minutes20)}, 70, 1},
				{"the second, 20 minutes ahead", damage{61: offBy(minutes20)}, 60, 1},
			} {
				t.Run(fmt.Sprintf("%v/%d/%s", kind, start, c.name), func(t *testing.T) {
					r := newRig(t, nil, "a")
					f := &feeder{rig: r, src: r.sourceOf(0, sourcePush)}
					f.header(320)
					p := f.publishDamaged(1_000_000, 0, 60, nil)
					f.src.lost(syscall.ECONNRESET)
					r.pass(5 * time.Second)
					f.src = r.sourceOf(0, kind)
					f.header(320)
					if kind == sourceSlate {
						f.src.follow(tieOther)
					}
					f.publishDamaged(start, 60, 120, c.done)
					got := r.read(p.body())
					have := func(n uint32) bool { return n < 60 || n >= c.from && c.done[n] == nil }
					want := slices.DeleteFunc(numbers(0, 120), func(n uint32) bool { return !have(n) })
					if got.headers != 1 || p.fin || !slices.Equal(got.numbers, want) {
						t.Errorf("%d headers, FIN %v, packets %v, want %v", got.headers, p.fin, got.numbers, want)
					}
					if n := r.reg.streams[0].stats.generations.Load(); n != 1 {
						t.Errorf("%d generations", n)
					}
				})
			}
		}
	}
}

// A clock that really changes is another generation with its second packet, and loses none.
func TestChangedClockIsBelievedAtTheSecondPacket(t *testing.T) {
	for _, to := range []uint32{0, 5_000_000, math.MaxUint32 - 60} {
		r := newRig(t, nil, "a")
		f := r.feeder(0, 320)
		p := f.publishDamaged(2_000_000, 0, 30, nil)
		wmp := r.watch("a", wmpAgent)
		st := r.reg.streams[0]
		for n := uint32(30); n < 33; n++ {
			if err := f.src.packet(asftest.Packet(n, to+(n-30)*40, n == 30, asftest.PacketSize, 500)); err != nil {
				t.Fatal(err)
			}
			if got, want := st.stats.generations.Load(), uint64(min(n-29, 2)); got != want {
				t.Errorf("to %d: generation %d at packet %d, want %d", to, got, n, want)
			}
			r.pass(40 * time.Millisecond)
			r.turn()
		}
		if !p.fin {
			t.Errorf("to %d: FFmpeg is not told that the stream has changed", to)
		}
		if got := r.read(wmp.body()); got.headers != 2 || !slices.Equal(got.numbers[len(got.numbers)-3:], numbers(30, 33)) {
			t.Errorf("to %d: %d headers, packets %v", to, got.headers, got.numbers)
		}
	}
}

// Packets that are far apart are no damage: neither in a burst nor where the source was silent.
func TestSparsePacketsAreNoDamage(t *testing.T) {
	for name, pass := range map[string]time.Duration{"in a burst": 0, "in time": 13 * time.Second} {
		r := newRig(t, nil, "a")
		f := r.feeder(0, 320)
		for n := range uint32(21) {
			if err := f.src.packet(asftest.Packet(n, n*13_000, true, asftest.PacketSize, 500)); err != nil {
				t.Fatal(err)
			}
			r.pass(pass)
		}
		st := r.reg.streams[0]
		if st.stats.packetsIn.Load() != 21 || st.stats.badPackets.Load() != 0 || st.stats.generations.Load() != 1 {
			t.Errorf("%s: %d packets, %d bad, %d generations; want 21, 0, 1", name, st.stats.packetsIn.Load(),
				st.stats.badPackets.Load(), st.stats.generations.Load())
		}
	}
}

// A source that nobody can believe anything of is given up.
func TestSourceWithoutAClock(t *testing.T) {
	r := newRig(t, nil, "a")
	f := r.feeder(0, 320)
	f.publish(1)
	for n := range uint32(maxBadPackets + 2) {
		if err := f.src.packet(asftest.Packet(n, (n+1)*100_000_000, true, asftest.PacketSize, 500)); err != nil {
			return
		}
	}
	t.Errorf("still there after %d packets of as many clocks", maxBadPackets+2)
}

// A file with damaged times plays at its own pace, turn after turn, in one generation.
func TestFileWithDamagedTimes(t *testing.T) {
	for _, c := range damages {
		if strings.Contains(c.name, "zeros") || len(c.lost) == 0 {
			continue // see file_test.go; what is believed is waited for
		}
		checkDamagedFile(t, c.name, c.done, len(c.lost))
	}
	for name, first := range map[string]func([]byte){
		"the first sent ahead": sentOff(minutes20), "the first ahead": offBy(minutes20),
		"the first back": offBy(-minutes20)} {
		checkDamagedFile(t, name, damage{0: first}, 1)
	}
}

func checkDamagedFile(t *testing.T, name string, done damage, lost int) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := asftest.File(60, 40)
			for n, do := range done {
				do(b[len(asftest.Header(200, 320))+int(n)*200:])
			}
			file := filepath.Join(t.TempDir(), "damaged.asf")
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			st := fedStream(t, StreamConfig{Path: "x", Type: typeFile, File: file}, nil)
			ctx, cancel := context.WithCancel(t.Context())
			go runFile(ctx, st)
			time.Sleep(3 * 60 * 40 * time.Millisecond)
			synctest.Wait()
			most, n := uint64(3*60), st.stats.packetsIn.Load()
			if st.stats.generations.Load() != 1 || n > most+10 || n < most-uint64(3*lost)-10 {
				t.Errorf("%d packets in %d generations, %d bad; want about %d in 1", n, st.stats.generations.Load(),
					st.stats.badPackets.Load(), most-uint64(3*lost))
			}
			cancel()
			synctest.Wait()
		})
	})
}
