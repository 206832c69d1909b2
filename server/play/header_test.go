package play

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"pumpd/asf"
	"pumpd/asf/asftest"
)

// A header of MaxHeader bytes is taken from a file, and none larger.
func TestFileHeaderTooLarge(t *testing.T) {
	for _, n := range []int{asf.MaxHeader, asf.MaxHeader + 1, asf.MaxHeader + 4} {
		b := asftest.HeaderOf(n)
		if len(b) != n {
			t.Fatalf("%d bytes, want %d", len(b), n)
		}
		b[bytes.Index(b, asftest.GUIDFile)+88] = 0
		binary.LittleEndian.PutUint64(b[len(b)-34:], 0)
		for i := range 50 {
			b = append(b, asftest.Packet(uint32(i), uint32(i*40), i%10 == 0, asftest.PacketSize, 60)...)
		}
		good := n <= asf.MaxHeader
		if _, err := openTestLoop(b); (err == nil) != good || !good && !strings.Contains(err.Error(), "limit 65531") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
