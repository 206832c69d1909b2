package latency

import (
	"testing"
	"time"
)

func TestBucketsInOrder(t *testing.T) {
	last := -1
	for us := range uint64(1 << 20) {
		b := bucketOf(us)
		if b != last && b != last+1 {
			t.Fatalf("%d µs in bucket %d after %d", us, b, last)
		}
		if top := bucketTop(b).Microseconds(); top < int64(us) || float64(top) > float64(us)*(1+1.0/histSteps)+1 {
			t.Fatalf("%d µs in bucket %d, which ends at %d µs", us, b, top)
		}
		last = b
	}
	if b := bucketOf(1<<64 - 1); b != histBuckets-1 {
		t.Errorf("largest value in bucket %d", b)
	}
}

func TestQuantile(t *testing.T) {
	var a, b histogram
	if got := a.quantile(0.99); got != 0 {
		t.Errorf("empty: %s", got)
	}
	for i := 1; i <= 500; i++ {
		a.add(time.Duration(i) * time.Millisecond)
		b.add(time.Duration(i+500) * time.Millisecond)
	}
	a.add(-time.Second)
	a.merge(&b)
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{0, 0}, {0.5, 500 * time.Millisecond}, {0.99, 990 * time.Millisecond}, {1, time.Second}} {
		if got := a.quantile(c.q); got < c.want-c.want/100 || got > c.want+c.want/histSteps+time.Microsecond {
			t.Errorf("quantile %v: got %s, want %s", c.q, got, c.want)
		}
	}
	if a.count != 1001 || a.top != time.Second {
		t.Errorf("count %d, top %s", a.count, a.top)
	}
}
