package server

import (
	"fmt"
	"strings"
	"testing"

	"pumpd/server/config"
)

// budgetConfig has so many listeners of each kind and streams of each type.
func budgetConfig(plain, tls, pushes, pulls, files int) *config.Config {
	c := config.Default()
	c.Server.Listen, c.TLS.Listen = make([]string, plain), make([]string, tls)
	for kind, n := range map[string]int{config.TypePush: pushes, config.TypePull: pulls, config.TypeFile: files} {
		for range n {
			c.Streams = append(c.Streams, config.Stream{Enabled: true, Type: kind})
		}
	}
	return c
}

// Whatever the limit, all that can be open at once fits, with something for each.
func TestBudgetFits(t *testing.T) {
	configs := map[string]*config.Config{
		"one push":    budgetConfig(1, 0, 1, 0, 0),
		"TLS":         budgetConfig(2, 2, 3, 3, 3),
		"many pulls":  budgetConfig(1, 1, 0, 200, 0),
		"many pushes": budgetConfig(1, 1, 500, 0, 0),
		"many ports":  budgetConfig(20, 20, 1, 1, 1),
	}
	for name, c := range configs {
		for k, loops := range []int{1, 2, 16, 1, 2, 16} {
			ours := k / 3 * len(c.Server.Listen) // none of the plain addresses, or all of them, come by reloads
			for limit := int64(64); limit <= 1<<20; limit += 1 + limit/7 {
				const open = 12
				b, err := newBudget(limit, open, c, loops, ours)
				if err != nil {
					continue
				}
				addresses, own := int64(len(c.Server.Listen)-ours), int64(len(c.TLS.Listen)+ours)
				sources, pushes := sourcesOf(c)
				used := open + spare + perLoop*int64(loops) + perAddress*addresses*int64(loops+1) +
					perListener*(own+1) + min(sources, limit/2) + b.admin + b.enrolling*own + newGate(b, nil).all.Load()
				if used > limit {
					t.Fatalf("%s, %d loops, limit %d: %d can be open", name, loops, limit, used)
				}
				if b.connections < leastPlaces || b.enrolling < 1 || b.reserve < 1 || b.admin < 1 || b.encoders < min(pushes, 1) ||
					b.silent < 1 || b.line < 1 || 2*b.silent+b.line >= b.connections {
					t.Fatalf("%s, %d loops, limit %d: %+v", name, loops, limit, *b)
				}
			}
		}
	}
}

// Limits that people have give most of what there is to viewers.
func TestBudgetOfUsualLimits(t *testing.T) {
	c := budgetConfig(1, 1, 2, 2, 1)
	for limit, least := range map[int64]int64{200: 80, 1024: 600, 4096: 3000, 65536: 60_000, 1 << 20: 1_040_000} {
		b, err := newBudget(limit, 8, c, 2, 0)
		if err != nil || b.connections < least {
			t.Errorf("limit %d: %+v, %v, want at least %d connections", limit, b, err, least)
		}
	}
}

// Whatever a stream may connect to besides is reckoned with.
func TestBudgetOfForwardsAndCallbacks(t *testing.T) {
	c := budgetConfig(1, 0, 2, 0, 1)
	before, _ := sourcesOf(c)
	c.Streams[0].Forward = []string{"http://a.example/x", "https://b.example/x"}
	c.Streams[1].AuthURL, c.Streams[2].AuthURL = "http://a.example/who", "http://a.example/who" // asked by one Caller
	if got, _ := sourcesOf(c); got-before != 2*perUpstream+16*perQuestion {
		t.Errorf("%d descriptors more, want two upstreams and 16 questions", got-before)
	}
}

// A limit that is too small for the configuration is an error that says how much it takes.
func TestBudgetTooSmall(t *testing.T) {
	c := budgetConfig(1, 1, 2, 2, 1)
	_, err := newBudget(60, 8, c, 2, 0)
	if err == nil {
		t.Fatal("60 are enough")
	}
	var limit, least int64
	if n, _ := fmt.Sscanf(err.Error(), "open files: the limit is %d, this configuration needs at least %d;", &limit,
		&least); n != 2 {
		t.Fatalf("%v", err)
	}
	if _, err := newBudget(least+least/4, 8, c, 2, 0); err != nil {
		t.Errorf("as many as it says, and some: %v", err)
	}
	c.Server.MaxConnections = 1000
	if _, err := newBudget(1024, 8, c, 2, 0); err == nil || !strings.HasPrefix(err.Error(), "max_connections: 1000, but "+
		"1024 descriptors allow ") {
		t.Errorf("1000 connections of 1024: %v", err)
	}
	c.Server.MaxConnections = 500
	if b, err := newBudget(1024, 8, c, 2, 0); err != nil || b.connections != 500 {
		t.Errorf("500 connections of 1024: %+v, %v", b, err)
	}
}
