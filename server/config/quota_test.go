package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const wantStateDir = ", want a directory that pumpd can write"

var badQuotas = []badConfig{
	{"bits or bytes", "[server]\nquota = \"160G/day\"\n", `pump.toml:2: server.quota: "160G/day", want ` + wantQuota},
	{"bits", "[server]\nquota = \"160Gbit/day\"\n", `pump.toml:2: server.quota: "160Gbit/day", want ` + wantQuota},
	{"in lower case", "[server]\nquota = \"160gb/day\"\n", `pump.toml:2: server.quota: "160gb/day", want ` + wantQuota},
	{"no period", "[server]\nquota = \"160GB\"\n", `pump.toml:2: server.quota: "160GB", want ` + wantQuota},
	{"another period", "[server]\nquota = \"160GB/week\"\n", `pump.toml:2: server.quota: "160GB/week", want ` + wantQuota},
	{"a number", "[server]\nquota = 160\n", "pump.toml:2: server.quota: 160, want " + wantQuota},
	{"nothing", "[server]\nquota = \"0GB/day\"\n", `pump.toml:2: server.quota: "0GB/day", want ` + wantQuota},
	{"next to nothing", "[server]\nquota = \"0.9MB/day\"\n", `pump.toml:2: server.quota: "0.9MB/day", want ` + wantQuota},
	{"less than nothing", "[server]\nquota = \"-1GB/day\"\n", `pump.toml:2: server.quota: "-1GB/day", want ` + wantQuota},
	{"too much", "[server]\nquota = \"1000001TB/day\"\n", `pump.toml:2: server.quota: "1000001TB/day", want ` + wantQuota},
	{"no place for the count", "[server]\nquota = \"160GB/day\"\n",
		`pump.toml:2: server.quota: 160GB/day, want a state_dir too: a restart must not begin the count anew`},
	{"hard without a quota", "[server]\nquota_hard = true\n",
		"pump.toml:2: server.quota_hard: true, but there is no quota"},
	{"no such directory", "[server]\nstate_dir = \"/nowhere/at/all\"\n",
		"pump.toml:2: server.state_dir: stat /nowhere/at/all: no such file or directory" + wantStateDir},
	{"no directory", "[server]\nstate_dir = \"/dev/null\"\n",
		"pump.toml:2: server.state_dir: /dev/null: not a directory" + wantStateDir},
	{"a directory where nobody can write", "[server]\nstate_dir = \"/proc/self\"\n", wantStateDir},
}

func TestBadQuotas(t *testing.T) {
	for _, c := range badQuotas {
		_, err := Parse([]byte(c.text), "pump.toml")
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
		}
	}
}

// A check leaves nothing behind, and names count from the directory of the file.
func TestStateDir(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "[server]\nstate_dir = \"state\"\nquota = \"1.5TB/month\"\nquota_hard = true\n"
	c, err := Parse([]byte(text), filepath.Join(dir, "pump.toml"))
	if err != nil {
		t.Fatal(err)
	}
	want := Quota{Bytes: 1.5e12, Monthly: true}
	if c.Server.StateDir != state || c.Server.Quota != want || !c.Server.QuotaHard {
		t.Errorf("got %+v", c.Server)
	}
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestQuota(t *testing.T) {
	for _, c := range []struct {
		text, print string
		want        Quota
	}{
		{"", "", Quota{}},
		{"160GB/day", "160GB/day", Quota{160e9, false}},
		{"160 GB/day", "160GB/day", Quota{160e9, false}},
		{"2.5TB/month", "2500GB/month", Quota{25e11, true}},
		{"1GiB/day", "1GiB/day", Quota{1 << 30, false}},
		{"0.0015GB/day", "1.5MB/day", Quota{1.5e6, false}},
	} {
		var q Quota
		if err := q.UnmarshalText([]byte(c.text)); err != nil || q != c.want || q.String() != c.print {
			t.Errorf("%q: %+v (%v), %v, want %+v (%s)", c.text, q, q, err, c.want, c.print)
		}
	}
}
