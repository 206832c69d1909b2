package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Bandwidth is in bit/s; 0 is none, which pump.toml writes as "".
type Bandwidth int64

// bandwidthUnits are those that pump.toml may use, the largest first. "20M" could be bits or bytes.
var bandwidthUnits = []struct {
	name string
	bits Bandwidth
}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

const wantBandwidth = `a bandwidth such as "20Mbit" or "1.5Gbit", in bit, kbit, Mbit or Gbit per second`

const maxBandwidth = 1e12 // bit/s

var errBandwidth = errors.New("want " + wantBandwidth)

// UnmarshalText reads a number with one of the units, and "" as none.
func (b *Bandwidth) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*b = 0
		return nil
	}
	for _, unit := range bandwidthUnits {
		number, found := strings.CutSuffix(string(text), unit.name)
		if !found {
			continue
		}
		n, err := decimal(strings.TrimSuffix(number, " "))
		bits := math.Round(n * float64(unit.bits))
		if err != nil || bits < 1 || bits > maxBandwidth {
			return errBandwidth
		}
		*b = Bandwidth(bits)
		return nil
	}
	return errBandwidth
}

// String is what UnmarshalText reads, in the largest unit that needs no fraction.
func (b Bandwidth) String() string {
	for _, unit := range bandwidthUnits {
		if b != 0 && b%unit.bits == 0 {
			return fmt.Sprintf("%d%s", b/unit.bits, unit.name)
		}
	}
	return ""
}

// decimal reads digits with or without a fraction, and nothing else that strconv would take: no sign, exponent or NaN.
func decimal(s string) (float64, error) {
	if strings.Trim(s, "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

// A Share is a part of something, in hundredths of a percent.
type Share int32

const wantShare = `a share such as "5%", from "0%" to less than "100%"`

var errShare = errors.New("want " + wantShare)

// UnmarshalText reads a percentage.
func (s *Share) UnmarshalText(text []byte) error {
	number, found := strings.CutSuffix(string(text), "%")
	n, err := decimal(number)
	if !found || err != nil || math.Round(100*n) >= float64(whole) {
		return errShare
	}
	*s = Share(math.Round(100 * n))
	return nil
}

// whole is the Share that is everything, and which no key may have: nothing would be left.
const whole = Share(10_000)

// String is what UnmarshalText reads.
func (s Share) String() string { return strconv.FormatFloat(float64(s)/100, 'f', -1, 64) + "%" }

// Of is the share of n, rounded down.
func (s Share) Of(n int64) int64 {
	return n/int64(whole)*int64(s) + n%int64(whole)*int64(s)/int64(whole)
}

// An Uplink says what the line carries: Rate, or with Auto what is measured. The zero value is that nobody knows.
type Uplink struct {
	Auto bool
	Rate Bandwidth // unused with Auto
}

// UnmarshalText reads "auto" or a Bandwidth.
func (u *Uplink) UnmarshalText(text []byte) error {
	if u.Auto = string(text) == "auto"; u.Auto {
		u.Rate = 0
		return nil
	}
	return u.Rate.UnmarshalText(text)
}

// String is what UnmarshalText reads.
func (u Uplink) String() string {
	if u.Auto {
		return "auto"
	}
	return u.Rate.String()
}
