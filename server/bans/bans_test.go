package bans

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func ban(network string, until time.Time) Ban {
	return Ban{Network: netip.MustParsePrefix(network).Masked(), Until: until}
}

func TestBans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l List
		now := time.Now()
		for _, b := range []Ban{
			ban("192.0.2.1/32", now.Add(time.Hour)), ban("198.51.100.0/24", now.Add(time.Minute)),
			ban("2001:db8:1::/64", now.Add(time.Hour)),
		} {
			if err := l.Add(b, now); err != nil {
				t.Fatal(err)
			}
		}
		check := func(want map[string]bool) {
			t.Helper()
			for a, banned := range want {
				if l.Has(netip.MustParseAddr(a)) != banned {
					t.Errorf("%s: banned is %v, want %v", a, !banned, banned)
				}
			}
		}
		check(map[string]bool{
			"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.2.2": false, "198.51.100.255": true, "198.51.101.0": false,
			"2001:db8:1::5": true, "2001:db8:1::5%eth0": true, "2001:db8:1:1::": false, "::1": false,
		})
		if all := l.All(now); len(all) != 3 || all[0].Network.String() != "198.51.100.0/24" {
			t.Errorf("all: %v, want three, the one that ends first at the top", all)
		}
		time.Sleep(time.Minute)
		check(map[string]bool{"198.51.100.1": false, "192.0.2.1": true}) // before anybody expires it
		l.Expire(time.Now())
		if n := len(l.now.Load().bans); n != 2 {
			t.Errorf("%d are kept when one is over, want 2", n)
		}
		if !l.Remove(netip.MustParsePrefix("192.0.2.1/32"), time.Now()) {
			t.Error("there was none to remove")
		}
		if l.Remove(netip.MustParsePrefix("192.0.2.1/32"), time.Now()) {
			t.Error("it was removed twice")
		}
		check(map[string]bool{"192.0.2.1": false})
		time.Sleep(time.Hour)
		if l.Expire(time.Now()); l.now.Load() != nil {
			t.Error("the list is empty, and not without a table")
		}
	})
}

func TestBansThatAreRefused(t *testing.T) {
	var l List
	now := time.Now()
	for _, c := range []struct {
		ban  Ban
		want string
	}{
		{Ban{Until: now.Add(time.Hour)}, "want an address or a network"},
		{ban("0.0.0.0/0", now.Add(time.Hour)), "at least /8"},
		{ban("2000::/3", now.Add(time.Hour)), "at least /16"},
		{ban("192.0.2.1/32", now), "end: in 0s"},
		{ban("192.0.2.1/32", now.Add(2*Longest)), "want up to"},
		{Ban{netip.MustParsePrefix("192.0.2.1/32"), now.Add(1), strings.Repeat("x", maxWhy+1)}, "why: 201 bytes"},
	} {
		if err := l.Add(c.ban, now); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.ban, err, c.want)
		}
	}
	a := netip.MustParseAddr("10.0.0.0")
	many := map[netip.Prefix]Ban{}
	for range Most {
		a = a.Next()
		many[netip.PrefixFrom(a, 32)] = Ban{Network: netip.PrefixFrom(a, 32), Until: now.Add(time.Hour)}
	}
	l.store(many)
	if err := l.Add(ban("192.0.2.1/32", now.Add(time.Hour)), now); err != errFull {
		t.Errorf("one more than %d: %v, want %v", Most, err, errFull)
	}
	if err := l.Add(ban("10.0.0.1/32", now.Add(time.Minute)), now); err != nil {
		t.Errorf("one that is there is to end sooner: %v", err)
	}
}

func BenchmarkHasNone(b *testing.B) {
	var l List
	a := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		if l.Has(a) {
			b.Fatal("banned")
		}
	}
}

// Many at once are as many one by one: what Add would refuse is left out.
func TestAddAll(t *testing.T) {
	now := time.Now()
	var one, all List
	list := []Ban{ban("10.0.0.0/7", now.Add(time.Hour)), ban("192.0.2.1/32", now), {Why: "no network"}}
	for i := range Most + 2 {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		list = append(list, Ban{Network: netip.PrefixFrom(a, 32), Until: now.Add(time.Hour)})
	}
	list = append(list, ban("10.0.0.0/32", now.Add(time.Minute))) // which is there
	const few = 100                                               // for Add takes long
	for _, b := range list[:few] {
		_ = one.Add(b, now)
	}
	all.AddAll(list[:few/2], now)
	all.AddAll(list[few/2:few], now)
	if got, want := all.All(now), one.All(now); !slices.Equal(got, want) || len(got) != few-3 {
		t.Errorf("%d bans, want %d", len(got), len(want))
	}
	all.AddAll(list, now)
	if got := all.All(now); len(got) != Most || got[0].Until != now.Add(time.Minute) {
		t.Errorf("%d bans, the first until %v, want %d", len(got), got[0].Until, Most)
	}
	if all.AddAll(nil, now.Add(time.Hour)); all.now.Load() != nil {
		t.Error("the list is empty, and not without a table")
	}
}
