// Package bans is a list of networks that a pump has nothing to do with for a while. It is in memory: a restart forgets
// it.
package bans

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A List is such a list. Any goroutine may use it; the zero value is an empty one.
type List struct {
	mu  sync.Mutex // for those who change it
	now atomic.Pointer[table]
}

// A table does not change. Nobody keeps an empty one.
type table struct {
	bans map[netip.Prefix]Ban
	bits []int // the lengths of their prefixes
}

// A Ban is one network's.
type Ban struct {
	Network netip.Prefix
	Until   time.Time
	Why     string // for the operator
}

const (
	// Most is how many there may be at a time.
	Most = 10_000
	// Longest is how long one may last.
	Longest = 366 * 24 * time.Hour

	// A wider network than these is taken for a slip.
	widest4 = 8
	widest6 = 16

	maxWhy = 200 // bytes
)

var errFull = fmt.Errorf("bans: there are %d already, which is the limit", Most)

// Add bans a network, masked, or changes for how long. now is the time of the day.
func (l *List) Add(b Ban, now time.Time) error {
	if err := b.check(now); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.left(now)
	if _, there := next[b.Network]; !there && len(next) >= Most {
		return errFull
	}
	next[b.Network] = b
	l.store(next)
	return nil
}

// AddAll bans many networks at once, as Add does each, and leaves out what that would refuse. To add them one by one
// takes seconds, for each time the whole list is made anew.
func (l *List) AddAll(list []Ban, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.left(now)
	for _, b := range list {
		if _, there := next[b.Network]; b.check(now) == nil && (there || len(next) < Most) {
			next[b.Network] = b
		}
	}
	l.store(next)
}

func (b *Ban) check(now time.Time) error {
	widest := widest4
	if b.Network.Addr().Is6() {
		widest = widest6
	}
	switch long := b.Until.Sub(now); {
	case !b.Network.IsValid():
		return errors.New("network: want an address or a network such as 192.0.2.0/24")
	case b.Network.Bits() < widest:
		return fmt.Errorf("network: %s, want at least /%d", b.Network, widest)
	case long <= 0 || long > Longest:
		return fmt.Errorf("end: in %s, want up to %s from now", long.Round(time.Second), Longest)
	case len(b.Why) > maxWhy:
		return fmt.Errorf("why: %d bytes, limit %d", len(b.Why), maxWhy)
	}
	return nil
}

// Remove ends a ban before its time. It is false where there was none.
func (l *List) Remove(network netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.left(now)
	_, there := next[network]
	delete(next, network)
	l.store(next)
	return there
}

// Expire forgets those that are over.
func (l *List) Expire(now time.Time) {
	t := l.now.Load()
	over := func(b Ban) bool { return !now.Before(b.Until) }
	if t == nil || !slices.ContainsFunc(slices.Collect(maps.Values(t.bans)), over) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store(l.left(now))
}

// left are those that are not over, in a map of the caller's. For whoever holds mu.
func (l *List) left(now time.Time) map[netip.Prefix]Ban {
	t := l.now.Load()
	if t == nil {
		return map[netip.Prefix]Ban{}
	}
	left := maps.Clone(t.bans)
	maps.DeleteFunc(left, func(_ netip.Prefix, b Ban) bool { return !now.Before(b.Until) })
	return left
}

func (l *List) store(bans map[netip.Prefix]Ban) {
	if len(bans) == 0 {
		l.now.Store(nil)
		return
	}
	t := &table{bans: bans}
	for network := range bans {
		if !slices.Contains(t.bits, network.Bits()) {
			t.bits = append(t.bits, network.Bits())
		}
	}
	l.now.Store(t)
}

// Has says whether an address is banned. Of an empty list that costs a load, else a look for each length of prefix that
// there is, however many there are of one.
func (l *List) Has(a netip.Addr) bool {
	t := l.now.Load()
	if t == nil {
		return false
	}
	return t.has(a.Unmap().WithZone(""), time.Now())
}

func (t *table) has(a netip.Addr, now time.Time) bool {
	for _, bits := range t.bits {
		network, err := a.Prefix(bits)
		if err != nil {
			continue // longer than the address
		}
		if b, there := t.bans[network]; there && now.Before(b.Until) {
			return true
		}
	}
	return false
}

// All are those that are not over, the one that ends first before others.
func (l *List) All(now time.Time) []Ban {
	l.mu.Lock()
	list := slices.Collect(maps.Values(l.left(now)))
	l.mu.Unlock()
	slices.SortFunc(list, func(a, b Ban) int {
		return cmp.Or(a.Until.Compare(b.Until), a.Network.Addr().Compare(b.Network.Addr()),
			cmp.Compare(a.Network.Bits(), b.Network.Bits()))
	})
	return list
}
