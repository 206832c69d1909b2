package asftest

import (
	"encoding/binary"
	"math"
	"time"
)

// A Damage is what is done to some packets of a source, by their place in it.
type Damage map[uint32]func(b []byte)

// Zeroed clears a packet.
func Zeroed(b []byte) { clear(b) }

// SentOff moves the send time of a packet.
func SentOff(by time.Duration) func(b []byte) { return func(b []byte) { moveTime(b[7:], by) } }

// OffBy moves its presentation time too.
func OffBy(by time.Duration) func(b []byte) {
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

// Damages are what may be done to 60 packets, every tenth of which is a key frame, with what is lost of them then.
var Damages = []struct {
	Name string
	Done Damage
	Lost []uint32
}{
	{"zeros", Damage{25: Zeroed}, []uint32{25}},
	{"zeros at the key frame", Damage{30: Zeroed}, []uint32{30}},
	{"zeros, twice running", Damage{25: Zeroed, 26: Zeroed}, []uint32{25, 26}},
	{"zeros at the end", Damage{59: Zeroed}, []uint32{59}},
	{"zeros all over", Damage{5: Zeroed, 10: Zeroed, 29: Zeroed, 30: Zeroed, 31: Zeroed}, []uint32{5, 10, 29, 30, 31}},
	{"sent at any time", Damage{25: sentAt(123_456_789)}, []uint32{25}},
	{"sent 20 minutes ahead", Damage{25: SentOff(minutes20)}, []uint32{25}},
	{"sent 20 minutes back", Damage{25: SentOff(-minutes20)}, []uint32{25}},
	{"20 minutes ahead", Damage{25: OffBy(minutes20)}, []uint32{25}},
	{"20 minutes back", Damage{25: OffBy(-minutes20)}, []uint32{25}},
	{"sent half a clock ahead", Damage{25: SentOff(math.MaxInt32 * time.Millisecond)}, []uint32{25}},
	{"sent five minutes ahead", Damage{25: SentOff(5 * time.Minute)}, []uint32{25}},
	{"sent ten seconds ahead", Damage{25: SentOff(10 * time.Second)}, []uint32{25}},
	{"sent ten seconds back", Damage{25: SentOff(-10 * time.Second)}, []uint32{25}},
	{"sent four seconds ahead", Damage{25: SentOff(4 * time.Second)}, []uint32{25}},
	{"sent four seconds back", Damage{25: SentOff(-4 * time.Second)}, []uint32{25}},
	{"sent two seconds ahead", Damage{25: SentOff(2 * time.Second)}, nil},
	{"sent two seconds back", Damage{25: SentOff(-2 * time.Second)}, nil},
	{"the key frame 20 minutes ahead", Damage{30: OffBy(minutes20)}, []uint32{30}},
	{"the last", Damage{59: OffBy(minutes20)}, []uint32{59}},
	{"two that do not agree", Damage{25: OffBy(minutes20), 26: OffBy(-minutes20)}, []uint32{25, 26}},
	{"two ahead that do not agree", Damage{25: OffBy(minutes20), 26: OffBy(2 * minutes20)}, []uint32{25, 26}},
	{"three that do not agree", Damage{25: OffBy(minutes20), 26: sentAt(987_654_321), 27: OffBy(-minutes20)},
		[]uint32{25, 26, 27}},
	{"every other", Damage{25: OffBy(minutes20), 27: OffBy(minutes20), 29: OffBy(minutes20)}, []uint32{25, 27, 29}},
	{"zeros between a damaged one and a good one", Damage{25: OffBy(minutes20), 26: Zeroed}, []uint32{25, 26}},
}
