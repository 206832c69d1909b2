package probe

import (
	"errors"
	"strings"
	"testing"
)

func probed(number uint64, index, count, size int) []byte {
	b := make([]byte, size)
	Probe{Number: number, Stamp: 12345, Index: index, Count: count}.Put(b)
	return b
}

func TestProbe(t *testing.T) {
	for _, size := range []int{Size, Size + 1, 1400, maxLength} {
		for _, number := range []uint64{0, 1, noiseStarts, 1<<64 - 1} {
			got, err := Parse(probed(number, 2, 3, size))
			if want := (Probe{Number: number, Stamp: 12345, Length: size, Index: 2, Count: 3}); err != nil || got != want {
				t.Errorf("size %d: got %+v, %v, want %+v", size, got, err, want)
			}
		}
	}
}

func TestProbeCutAtEveryByte(t *testing.T) {
	b := probed(7, 0, 1, 100)
	for n := range b {
		if _, err := Parse(b[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("%d bytes: got %v, want %v", n, err, ErrShort)
		}
	}
}

func TestPacketProbeFinds(t *testing.T) {
	one, two, three := probed(5, 0, 3, 50), probed(5, 1, 3, 60), probed(5, 2, 3, 70)
	join := func(parts ...[]byte) []byte {
		b := []byte("packet head ")
		for _, p := range parts {
			b = append(append(b, p...), "payload head"...)
		}
		return b
	}
	broken := probed(5, 1, 3, 60)
	broken[59] ^= 1
	for _, c := range []struct {
		name string
		b    []byte
		want string // part of the error
	}{
		{"whole", join(one, two, three), ""},
		{"none", join(), "none"},
		{"last is missing", join(one, two), "2 payloads of 3"},
		{"middle is missing", join(one, three), "payload 2"},
		{"swapped", join(two, one, three), "payload 1"},
		{"another packet's", join(one, probed(6, 1, 3, 60), three), "packet 6"},
		{"bit flipped in the filler", join(one, broken, three), "damaged content"},
		{"length beyond all", join(one, two, probed(5, 2, 3, 70))[:200], "more bytes"},
	} {
		p, err := InPacket(c.b)
		switch {
		case c.want == "" && (err != nil || p.Number != 5 || p.Count != 3):
			t.Errorf("%s: got %+v, %v", c.name, p, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}
