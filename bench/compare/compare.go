package compare

import (
	"pumpd/bench/peers"
)

import (
	"context"
	"fmt"
	"os"
)

// A comparison is all contestants at all points.
type comparison struct {
	opt     Options
	cells   []*cell
	missing []string // what could not run, and why
}

// A cell is one contestant at one point.
type cell struct {
	point  Point
	name   string
	run    func(ctx context.Context) (measure, error)
	rounds []measure
	dead   bool // it failed once and is left out from then on
}

// Run lets all contestants that opt wants run at all points. One that fails is left out and said to be missing.
func Run(ctx context.Context, opt Options) (*comparison, error) {
	c := &comparison{opt: opt}
	return c, c.run(ctx)
}

// contestants makes the cells. What is known to be missing is said here.
func (c *comparison) contestants() {
	peers := c.peers()
	for _, at := range c.opt.Points {
		if c.opt.Wants("floor") {
			c.cells = append(c.cells, &cell{point: at, name: floorName,
				run: func(ctx context.Context) (measure, error) { return c.floor(ctx, at) }})
		}
		for _, p := range peers {
			c.cells = append(c.cells, &cell{point: at, name: p.Name,
				run: func(ctx context.Context) (measure, error) { return c.peer(ctx, p, at) }})
		}
	}
}

const floorName = "floor (bare send)"

func (c *comparison) peers() []*peers.Peer {
	var all, found []*peers.Peer
	if c.opt.Wants("pumpd") {
		for _, lines := range c.opt.Settings {
			all = append(all, peers.Pumpd(c.opt.Pumpd, lines))
		}
	}
	if c.opt.Wants("cubemap") {
		all = append(all, peers.Cubemap())
	}
	if c.opt.Wants("icecast") {
		all = append(all, peers.Icecast())
	}
	for _, p := range all {
		if _, err := p.Find(); err != nil {
			c.missing = append(c.missing, fmt.Sprintf("%s: %v", p.Name, err))
			continue
		}
		found = append(found, p)
	}
	return found
}

// run takes all cells in turn, round after round, so that a slow minute of the machine does not hit one contestant
// alone.
func (c *comparison) run(ctx context.Context) error {
	c.contestants()
	for round := range c.opt.Rounds {
		for _, cell := range c.cells {
			if cell.dead {
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s: %s\n", round+1, c.opt.Rounds, cell.point.Name, cell.name)
			m, err := cell.run(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				cell.dead = true
				c.missing = append(c.missing, fmt.Sprintf("%s at %s: %v", cell.name, cell.point.Name, err))
				continue
			}
			cell.rounds = append(cell.rounds, m)
		}
	}
	return nil
}
