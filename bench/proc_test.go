package main

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 500 0 0 0 150 25 0 0 20 0 9 0 100 1000 200 18446744073709551615"
	if got, err := parseStat(line); err != nil || got != 1750*time.Millisecond {
		t.Errorf("got %s, %v, want 1.75s", got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1", "1 (x) S 1 1 1 0 -1 1 1 1 1 1 a b 0 0"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

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

func TestOwnUsage(t *testing.T) {
	u, err := processUsage(os.Getpid())
	if err != nil || u.rss < 1<<20 {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := processUsage(1 << 30); err == nil {
		t.Error("a process that cannot be: no error")
	}
}
