package machine

import (
	"os"
	"testing"
)

func TestParseSockstat(t *testing.T) {
	const text = "sockets: used 14\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 31\nUDP: inuse 0 mem 7\n"
	if got, err := parseSockstat(text); err != nil || got != 31*int64(os.Getpagesize()) {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := parseSockstat("sockets: used 14\nUDP: inuse 0 mem 7\n"); err == nil {
		t.Error("no TCP line: accepted")
	}
}

func TestParseTicks(t *testing.T) {
	busy, total, err := parseTicks("cpu  10 1 20 300 40 5 6 7 3 0\ncpu0 …\n")
	if err != nil || busy != 49 || total != 389 {
		t.Errorf("got %d of %d, %v, want 49 of 389", busy, total, err)
	}
	if _, _, err := parseTicks("intr 1 2 3"); err == nil {
		t.Error("no cpu line: accepted")
	}
}
