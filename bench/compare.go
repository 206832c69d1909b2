package main

import (
	"context"
	"fmt"
	"os"
)

// A comparison is all contestants at all points.
type comparison struct {
	opt     compareOptions
	cells   []*cell
	missing []string // what could not run, and why
}

// A cell is one contestant at one point.
type cell struct {
	point  point
	name   string
	run    func(ctx context.Context) (measure, error)
	rounds []measure
	dead   bool // it failed once and is left out from then on
}

// runComparison lets all contestants that opt wants run at all points. One that fails is left out and said to be missing.
func runComparison(ctx context.Context, opt compareOptions) (*comparison, error) {
	c := &comparison{opt: opt}
	return c, c.run(ctx)
}

// contestants makes the cells. What is known to be missing is said here.
func (c *comparison) contestants() {
	peers := c.peers()
	for _, at := range c.opt.points {
		if c.opt.wants("floor") {
			c.cells = append(c.cells, &cell{point: at, name: floorName, run: func(ctx context.Context) (measure, error) { return c.floor(ctx, at) }})
		}
		for _, p := range peers {
			c.cells = append(c.cells, &cell{point: at, name: p.name, run: func(ctx context.Context) (measure, error) { return c.peer(ctx, p, at) }})
		}
	}
}

const floorName = "floor (bare send)"

func (c *comparison) peers() []*peer {
	var all, found []*peer
	if c.opt.wants("pumpd") {
		for _, lines := range c.opt.settings {
			all = append(all, pumpdPeer(c.opt.pumpd, lines))
		}
	}
	if c.opt.wants("cubemap") {
		all = append(all, cubemapPeer())
	}
	if c.opt.wants("icecast") {
		all = append(all, icecastPeer())
	}
	for _, p := range all {
		if _, err := p.find(); err != nil {
			c.missing = append(c.missing, fmt.Sprintf("%s: %v", p.name, err))
			continue
		}
		found = append(found, p)
	}
	return found
}

// run takes all cells in turn, round after round, so that a slow minute of the machine does not hit one contestant alone.
func (c *comparison) run(ctx context.Context) error {
	c.contestants()
	for round := range c.opt.rounds {
		for _, cell := range c.cells {
			if cell.dead {
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s: %s\n", round+1, c.opt.rounds, cell.point.name, cell.name)
			m, err := cell.run(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				cell.dead = true
				c.missing = append(c.missing, fmt.Sprintf("%s at %s: %v", cell.name, cell.point.name, err))
				continue
			}
			cell.rounds = append(cell.rounds, m)
		}
	}
	return nil
}
