// Package tally counts what loops measure, for whoever looks now and then: without a lock and without memory.
package tally

import (
	"slices"
	"strconv"
	"sync/atomic"
)

// A Histogram has so many observations at or below each of its bounds. A nil one counts nothing. Any goroutine.
type Histogram struct {
	bounds []float64       // ascending; do not change
	counts []atomic.Uint64 // of what is above the bound before; the last is of what is above all
	sum    atomic.Int64    // in millionths
}

// New makes one with those bounds, in ascending order.
func New(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Observe counts a value, n times.
func (h *Histogram) Observe(value float64, n uint64) {
	if h == nil || n == 0 {
		return
	}
	i := 0
	for i < len(h.bounds) && value > h.bounds[i] {
		i++
	}
	h.counts[i].Add(n)
	h.sum.Add(int64(value*1e6) * int64(n))
}

// A View is a Histogram at one moment, or nearly so.
type View struct {
	Count uint64
	Sum   float64
	Upto  map[float64]uint64 // observations by bound, those of the bounds below included
}

// View shows it. A nil one is empty.
func (h *Histogram) View() View {
	v := View{Upto: map[float64]uint64{}}
	if h == nil {
		return v
	}
	for i := range h.counts {
		v.Count += h.counts[i].Load()
		if i < len(h.bounds) {
			v.Upto[h.bounds[i]] = v.Count
		}
	}
	v.Sum = float64(h.sum.Load()) / 1e6
	return v
}

// Statuses counts replies by their HTTP status. The zero value is ready. Any goroutine.
type Statuses struct {
	n [len(statuses) + 1]atomic.Uint64
}

// statuses are those that a pump answers with when it refuses something. Others are counted together.
var statuses = [...]int{302, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 431, 501, 503, 505}

// Count counts a reply.
func (s *Statuses) Count(status int) {
	s.n[place(status)].Add(1)
}

func place(status int) int {
	if i := slices.Index(statuses[:], status); i >= 0 {
		return i
	}
	return len(statuses)
}

// Add counts n replies by the word of All. What is no such word counts with the others.
func (s *Statuses) Add(status string, n uint64) {
	number, _ := strconv.Atoi(status)
	s.n[place(number)].Add(n)
}

// All calls show with each status as a word, and how many times there was that.
func (s *Statuses) All(show func(status string, n uint64)) {
	for i := range s.n {
		word := "other"
		if i < len(statuses) {
			word = strconv.Itoa(statuses[i])
		}
		show(word, s.n[i].Load())
	}
}
