package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runCompare is bench compare.
func runCompare(ctx context.Context, args []string, out io.Writer) error {
	opt, err := parseCompare(args)
	if err != nil {
		return err
	}
	if opt.pumpd == "" && opt.wants("pumpd") {
		dir, err := os.MkdirTemp("", "bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if opt.pumpd, err = buildPumpd(ctx, dir); err != nil {
			fmt.Fprintln(os.Stderr, "bench compare:", err)
		}
	}
	if opt.netns && !inNamespace() {
		return reexecInNamespace(ctx, append(args, "-pumpd", opt.pumpd))
	}
	c := comparison{opt: opt}
	if err := c.run(ctx); err != nil {
		return err
	}
	c.print(out)
	return c.verdict()
}

// buildPumpd builds the main package of the module we are in.
func buildPumpd(ctx context.Context, dir string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w (give a binary with -pumpd)", err)
	}
	binary := filepath.Join(dir, "pumpd")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Dir = strings.TrimSpace(string(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return binary, nil
}

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

func (c *comparison) floor(ctx context.Context, at point) (measure, error) {
	r, err := measureFloor(ctx, floorOptions{viewers: at.viewers, bitrate: at.bitrate, packet: at.packet, merge: c.opt.merge,
		duration: c.opt.window, threads: 1, drain: c.opt.drain})
	if err != nil {
		return measure{}, err
	}
	return measure{secondsPerGB: r.SecondsPerGB, bitRate: float64(r.Bytes) * 8 / r.Seconds, microsASend: r.MicrosASend, others: r.Others}, nil
}

// peer starts a server, feeds it, watches it and stops it.
func (c *comparison) peer(ctx context.Context, p *peer, at point) (measure, error) {
	r, err := p.start()
	if err != nil {
		return measure{}, err
	}
	defer r.stop()
	src, err := newSynth(synthOptions{bitrate: at.bitrate, packet: at.packet, gop: 2 * time.Second, payloads: 1})
	if err != nil {
		return measure{}, err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- p.feed(feeding, src, r.at) }()
	s, err := c.watch(ctx, p, r, at, fed)
	stop()
	<-fed
	if err != nil {
		return measure{}, err
	}
	return measureOf(s), nil
}

// watch waits for the stream and then measures.
func (c *comparison) watch(ctx context.Context, p *peer, r *running, at point, fed chan error) (*summary, error) {
	opt := loadOptions{urls: []string{p.url(r.at)}, viewers: at.viewers, sample: "1%", ramp: c.opt.ramp, duration: c.opt.window, settle: c.opt.settle,
		silence: 5 * time.Second, patience: c.opt.patience, drain: c.opt.drain, sources: 8, pid: r.cmd.Process.Pid, quiet: true}
	if err := awaitStream(ctx, opt, r, fed); err != nil {
		return nil, err
	}
	return measureLoad(ctx, opt, io.Discard)
}

// awaitStream tries with one viewer until the stream is there.
func awaitStream(ctx context.Context, opt loadOptions, r *running, fed chan error) error {
	opt.viewers, opt.settle, opt.duration, opt.pid = 1, 0, 300*time.Millisecond, 0
	for limit := time.Now().Add(startTimeout); ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-r.dead:
			r.dead <- err
			return fmt.Errorf("server ended: %v: %s", err, r.lastWords())
		case err := <-fed:
			fed <- err
			return fmt.Errorf("source ended: %v; the server said: %s", err, r.lastWords())
		default:
		}
		s, err := measureLoad(ctx, opt, io.Discard)
		if err != nil {
			return err
		}
		if s.Bytes > 0 && s.Failed+s.Refused == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("no stream within %s: %v %v; the server said: %s", startTimeout, s.Failures, s.Refusals, r.lastWords())
		}
	}
	return ctx.Err()
}
