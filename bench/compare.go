package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"pumpd/bench/compare"
	"pumpd/bench/peers"
	"pumpd/bench/quantity"
)

const compareAbout = "" +
	`Runs pumpd, bare sending (the floor) and, where they are installed, Cubemap and Icecast one after the other at the
same points, several rounds, and prints the medians as Markdown. pumpd is built from the module in the present directory
` +
	"unless -pumpd names a binary. With -netns everything runs in a network namespace whose loopback has " +
	"an MTU of 1500, which\n" +
	`needs root: the 64 KB of plain loopback flatter servers that wait to fill large segments.`

// runCompare is bench compare.
func runCompare(ctx context.Context, args []string, out io.Writer) error {
	opt, netns, err := parseCompare(args)
	if err != nil {
		return err
	}
	if opt.Pumpd == "" && opt.Wants("pumpd") {
		dir, err := os.MkdirTemp("", "bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if opt.Pumpd, err = peers.BuildPumpd(ctx, dir); err != nil {
			fmt.Fprintln(os.Stderr, "bench compare:", err)
		}
	}
	if netns && !inNamespace() {
		return reexecInNamespace(ctx, append(args, "-pumpd", opt.Pumpd))
	}
	c, err := compare.Run(ctx, opt)
	if err != nil {
		return err
	}
	c.Print(out)
	return c.Verdict()
}

const defaultPoints = "2000x300kx1400,1000x2Mx8192"

// parseCompare reads the command line. netns: run in a network namespace.
func parseCompare(args []string) (opt compare.Options, netns bool, err error) {
	opt = compare.Options{Patience: 15 * time.Second, Ramp: 1000}
	fs := newFlags("compare", "", compareAbout)
	quick := fs.Bool("quick", false, "one short round, less than two minutes")
	fs.IntVar(&opt.Rounds, "rounds", 3, "rounds; the table has medians")
	fs.DurationVar(&opt.Window, "duration", 15*time.Second, "length of each measurement")
	fs.DurationVar(&opt.Settle, "settle", 3*time.Second, "wait before each measurement")
	fs.DurationVar(&opt.Merge, "merge", 100*time.Millisecond, "one send per socket in this time, for the floor")
	fs.DurationVar(&opt.Drain, "drain", 2*time.Millisecond, "pause of viewers between two looks at their sockets")
	fs.StringVar(&opt.Pumpd, "pumpd", "", "pumpd `binary` instead of building one")
	settings := fs.String("pumpd-settings", ";merge=100ms",
		"one pumpd for each part between semicolons, with these keys of [server], "+
			"such as \"merge=auto;merge=100ms,engine=sendto\"; an empty part is the defaults")
	points := fs.String("points", defaultPoints, "workloads: viewers x bit/s x packet bytes")
	fs.BoolVar(&opt.Looked, "looked", false,
		"each pumpd runs once more with its status page open and its metrics scraped every second")
	fs.StringVar(&opt.Only, "only", "", "run only these of floor, pumpd, cubemap, icecast")
	fs.BoolVar(&netns, "netns", false, "run in a network namespace with an MTU of 1500")
	if _, err := parseFlags(fs, args, 0, 0); err != nil {
		return opt, netns, err
	}
	if *quick {
		opt.Rounds, opt.Window, opt.Settle, opt.Patience, opt.Ramp = 1, 4*time.Second, time.Second, 4*time.Second, 2000
	}
	opt.Settings = parseSettings(*settings)
	opt.Points, err = parsePoints(*points)
	if err == nil && opt.Rounds < 1 {
		err = fmt.Errorf("rounds %d, at least 1", opt.Rounds)
	}
	return opt, netns, err
}

// parsePoints reads "2000x300kx1400,…". The points are called P1, P2 and so on.
func parsePoints(s string) ([]compare.Point, error) {
	var points []compare.Point
	for i, word := range strings.Split(s, ",") {
		f := strings.Split(word, "x")
		if len(f) != 3 {
			return nil, fmt.Errorf("point %q: want viewers x bit/s x packet bytes, such as 2000x300kx1400", word)
		}
		viewers, err1 := strconv.Atoi(f[0])
		var rate quantity.Number
		err2 := rate.Set(f[1])
		packet, err3 := strconv.Atoi(f[2])
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, fmt.Errorf("point %q: %w", word, err)
		}
		points = append(points, compare.Point{
			Name: fmt.Sprintf("P%d", i+1), Viewers: viewers, Bitrate: int(rate), Packet: packet,
		})
	}
	return points, nil
}

// parseSettings turns "merge=auto;merge=100ms,engine=sendto" into TOML lines.
func parseSettings(s string) [][]string {
	var all [][]string
	for part := range strings.SplitSeq(s, ";") {
		all = append(all, parseKeys(part))
	}
	return all
}

// parseKeys turns "merge=100ms,max_connections=900" into TOML lines.
func parseKeys(s string) (lines []string) {
	for pair := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			continue
		}
		if _, err := strconv.Atoi(value); err != nil {
			value = strconv.Quote(value)
		}
		lines = append(lines, key+" = "+value)
	}
	return lines
}
