package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
)

// A Quota is so many bytes a day, or a month. The zero value is none, which pump.toml writes as "".
type Quota struct {
	Bytes   int64
	Monthly bool
}

// quotaUnits are those that pump.toml may use, the largest first. "160G" could be bits or bytes, and 1000 or 1024 of
// them: those who sell lines count in 1000.
var quotaUnits = []struct {
	name  string
	bytes int64
}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}}

const wantQuota = `an amount a day or a month such as "160GB/day" or "2.5TB/month", in MB, GB, TB, MiB, GiB or TiB`

const (
	minQuota = 1e6  // bytes: a stream of 300 kbit/s sends that in half a minute
	maxQuota = 1e18 // bytes
)

var errQuota = errors.New("want " + wantQuota)

// UnmarshalText reads a number with one of the units and a period, and "" as none.
func (q *Quota) UnmarshalText(text []byte) error {
	*q = Quota{}
	if len(text) == 0 {
		return nil
	}
	amount, per, _ := strings.Cut(string(text), "/")
	if per != "day" && per != "month" {
		return errQuota
	}
	for _, unit := range quotaUnits {
		number, found := strings.CutSuffix(amount, unit.name)
		if !found {
			continue
		}
		n, err := decimal(strings.TrimSuffix(number, " "))
		bytes := math.Round(n * float64(unit.bytes))
		if err != nil || bytes < minQuota || bytes > maxQuota {
			return errQuota
		}
		*q = Quota{int64(bytes), per == "month"}
		return nil
	}
	return errQuota
}

// String is what UnmarshalText reads, in the largest unit that needs no fraction.
func (q Quota) String() string {
	per := "day"
	if q.Monthly {
		per = "month"
	}
	for _, unit := range quotaUnits {
		if q.Bytes != 0 && q.Bytes%unit.bytes == 0 {
			return fmt.Sprintf("%d%s/%s", q.Bytes/unit.bytes, unit.name, per)
		}
	}
	if q.Bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%gMB/%s", float64(q.Bytes)/1e6, per)
}

// checkQuota wants a place for the count that can be written.
func (f *document) checkQuota(c *Server) {
	if c.StateDir != "" {
		if err := writable(c.StateDir); err != nil {
			f.wrong("server.state_dir", "%v, want a directory that pumpd can write", err)
		}
	}
	if c.Quota.Bytes != 0 && c.StateDir == "" {
		f.wrong("server.quota", "%s, want a state_dir too: a restart must not begin the count anew", c.Quota)
	}
	if c.QuotaHard && c.Quota.Bytes == 0 {
		f.wrong("server.quota_hard", "true, but there is no quota")
	}
}

// writable makes a file in a directory and takes it away again. Nothing else tells for certain.
func writable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: not a directory", dir)
	}
	f, err := os.CreateTemp(dir, ".pumpd-check-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
