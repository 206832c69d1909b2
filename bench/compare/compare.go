// Package compare runs pumpd, bare sending and other servers at the same points and makes a table of what they took.
package compare

import (
	"context"
	"fmt"
	"os"

	"pumpd/bench/peers"
)

// Results are all contestants at all points.
type Results struct {
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

// Run lets all contestants that opt wants run at all points, in turn. One that fails is left out from then on and said
// to be missing. The error is that of ctx. What happens is told on standard error.
func Run(ctx context.Context, opt Options) (*Results, error) {
	r := &Results{opt: opt}
	r.addCells()
	return r, r.run(ctx)
}

// addCells makes a cell for each contestant at each point.
func (r *Results) addCells() {
	servers := r.installed()
	for _, at := range r.opt.Points {
		if r.opt.Wants("floor") {
			r.cells = append(r.cells, &cell{point: at, name: floorName, run: func(ctx context.Context) (measure, error) {
				return measureFloor(ctx, &r.opt, at)
			}})
		}
		for _, p := range servers {
			r.cells = append(r.cells, &cell{point: at, name: p.Name, run: func(ctx context.Context) (measure, error) {
				return measurePeer(ctx, &r.opt, p, at)
			}})
		}
	}
}

// installed are the servers that are wanted and can be started; the others are said to be missing.
func (r *Results) installed() []*peers.Peer {
	var all, found []*peers.Peer
	if r.opt.Wants("pumpd") {
		for _, lines := range r.opt.Settings {
			setup := peers.Setup{Settings: lines, Admin: r.opt.Looked}
			all = append(all, peers.Pumpd(r.opt.Pumpd, setup))
			if r.opt.Looked {
				looked := peers.Pumpd(r.opt.Pumpd, setup)
				looked.Name += lookedAt
				all = append(all, looked)
			}
		}
	}
	if r.opt.Wants("cubemap") {
		all = append(all, peers.Cubemap())
	}
	if r.opt.Wants("icecast") {
		all = append(all, peers.Icecast())
	}
	for _, p := range all {
		if _, err := p.Find(); err != nil {
			r.missing = append(r.missing, fmt.Sprintf("%s: %v", p.Name, err))
			continue
		}
		found = append(found, p)
	}
	return found
}

// run takes all cells in turn, round after round, so that a slow minute of the machine does not hit one contestant
// alone.
func (r *Results) run(ctx context.Context) error {
	for round := range r.opt.Rounds {
		for _, cell := range r.cells {
			if cell.dead {
				continue
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s: %s\n", round+1, r.opt.Rounds, cell.point.Name, cell.name)
			m, err := cell.run(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				cell.dead = true
				r.missing = append(r.missing, fmt.Sprintf("%s at %s: %v", cell.name, cell.point.Name, err))
				continue
			}
			cell.rounds = append(cell.rounds, m)
		}
	}
	return nil
}
