package quantity

import "testing"

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Number
		out  string
	}{
		{"64000", 64e3, "64k"}, {"300k", 300e3, "300k"}, {"2.5M", 2.5e6, "2.5M"}, {"2G", 2e9, "2000M"}, {"0", 0, "0"},
		{"999", 999, "999"},
	} {
		var q Number
		if err := q.Set(c.in); err != nil || q != c.want || q.String() != c.out {
			t.Errorf("%q: got %d (%s), %v", c.in, q, q.String(), err)
		}
	}
	for _, in := range []string{"", "k", "-1", "3G", "NaN", "1e99", "5x", "Inf"} {
		var q Number
		if err := q.Set(in); err == nil {
			t.Errorf("%q: accepted as %d", in, q)
		}
	}
}
