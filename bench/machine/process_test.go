package machine

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4242 (a (b) c) S 1 4242 4242 0 -1 4194560 500 0 0 0 " +
		"150 25 0 0 20 0 9 0 100 1000 200 18446744073709551615"
	if got, err := parseStat(line); err != nil || got != 1750*time.Millisecond {
		t.Errorf("got %s, %v, want 1.75s", got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1", "1 (x) S 1 1 1 0 -1 1 1 1 1 1 a b 0 0"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

func TestOwnUsage(t *testing.T) {
	u, err := ProcessUsage(os.Getpid())
	if err != nil || u.RSS < 1<<20 {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := ProcessUsage(1 << 30); err == nil {
		t.Error("a process that cannot be: no error")
	}
}
