package link

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The directions of a link, as its namespace sees them.
const (
	Up   = iota // out of the namespace
	Down        // into it
)

// Directions has their names.
var Directions = [...]string{Up: "up", Down: "down"}

// A Change of the shape while the link runs.
type Change struct {
	At    time.Duration // since the start
	Ways  []int         // Up, Down or both
	Apply string        // what Shape.Set takes
}

// ParseChange reads "10s:rate=12Mbit,loss=1%" or, for one direction, "10s:up:rate=12Mbit".
func ParseChange(text string) (Change, error) {
	at, apply, ok := strings.Cut(text, ":")
	if !ok {
		return Change{}, fmt.Errorf("%q: want TIME:SETTINGS, such as 10s:rate=12Mbit,loss=1%%", text)
	}
	c := Change{Apply: apply, Ways: []int{Up, Down}}
	var err error
	if c.At, err = time.ParseDuration(at); err != nil || c.At < 0 {
		return Change{}, fmt.Errorf("%q: want a time since the start, such as 10s", at)
	}
	if way, rest, ok := strings.Cut(apply, ":"); ok {
		i := slices.Index(Directions[:], way)
		if i < 0 {
			return Change{}, fmt.Errorf("%q: want up or down, or neither for both", way)
		}
		c.Ways, c.Apply = []int{i}, rest
	}
	return c, new(Shape).Set(c.Apply)
}

// ReadScript reads a change a line. Lines that are empty or begin with # say nothing.
func ReadScript(r io.Reader) ([]Change, error) {
	var all []Change
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		c, err := ParseChange(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, c)
	}
	return all, lines.Err()
}
