// Package quantity reads and writes numbers that may end in k, M or G, in powers of ten.
package quantity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Number is a flag in bit/s, or in bytes, that may be written 300k or 2.5M.
type Number int64

// Set reads a number from 0 to math.MaxInt32.
func (b *Number) Set(s string) error {
	unit := 1.0
	switch {
	case strings.HasSuffix(s, "k"):
		unit = 1e3
	case strings.HasSuffix(s, "M"):
		unit = 1e6
	case strings.HasSuffix(s, "G"):
		unit = 1e9
	}
	v, err := strconv.ParseFloat(strings.TrimRight(s, "kMG"), 64)
	if err != nil || !(v >= 0) || v*unit > math.MaxInt32 {
		return fmt.Errorf("%q: a number up to 2G, such as 64000, 300k, 2.5M", s)
	}
	*b = Number(math.Round(v * unit))
	return nil
}

// String is as short as Set can read it back without a loss.
func (b *Number) String() string {
	v := float64(*b)
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	}
	return strconv.FormatInt(int64(*b), 10)
}
