package push

import "testing"

func TestFillersUseUpTheBody(t *testing.T) {
	check := func(left int64) {
		t.Helper()
		sum := int64(0)
		for _, size := range fillers(left) {
			if size < 0 || size > maxFillBody {
				t.Fatalf("%d left: $F of %d bytes", left, size)
			}
			sum += frameHead + int64(size)
		}
		if sum != left {
			t.Fatalf("%d left: $F frames use %d", left, sum)
		}
	}
	check(0)
	for left := int64(frameHead); left < 3*65536; left++ {
		check(left)
	}
	check(2147483647)
}

// Whatever frames come, a body never ends up with 1 to 3 bytes that no frame fits into.
func TestFits(t *testing.T) {
	for _, c := range []struct {
		left int64
		n    int
		want bool
	}{
		{100, 100, true}, {100, 96, true}, {100, 97, false}, {100, 98, false}, {100, 99, false},
		{100, 101, false}, {4, 4, true}, {8, 4, true}, {5, 4, false},
	} {
		if got := fits(c.left, c.n); got != c.want {
			t.Errorf("fits(%d, %d) = %v", c.left, c.n, got)
		}
	}
}
