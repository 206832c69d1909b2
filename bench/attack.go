package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pumpd/bench/attack"
	"pumpd/bench/peers"
)

const attackAbout = "" +
	`Attacks a pump beside honest viewers, and tells whether those noticed: their latency before, during and after, gaps,
disconnects, how long newcomers wait for their first byte, and what the pump takes. For each KIND, all of them without
one, a pump is started, fed and ended. It is built from the module in the present directory unless -pumpd names a
binary; -url and -pid name one that runs on this machine and is fed by "bench push -synthetic". The attacker has a
process of its own, of low priority. On loopback it comes from 127.0.1.x, and honest viewers come from 127.0.0.x.
Exit code 1 when a target was missed.

`

// runAttack is bench attack.
func runAttack(ctx context.Context, args []string, out io.Writer) error {
	opt, kinds, err := parseAttack(args)
	if err != nil {
		return err
	}
	if opt.Pumpd == "" && opt.URL == "" {
		dir, err := os.MkdirTemp("", "bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if opt.Pumpd, err = peers.BuildPumpd(ctx, dir); err != nil {
			return err
		}
	}
	var reports []*attack.Report
	var bad []string
	for _, kind := range kinds {
		of := opt
		if of.Targets.Join == 0 {
			of.Targets.Join = defaultJoin(kind)
		}
		r, err := attack.Run(ctx, of, kind)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(out, "%s: %v\n\n", kind.Name, err)
			bad = append(bad, kind.Name)
			continue
		}
		r.Print(out)
		fmt.Fprintln(out)
		reports = append(reports, r)
		if len(r.Problems()) > 0 {
			bad = append(bad, kind.Name)
		}
	}
	attack.PrintTable(out, reports)
	if len(bad) > 0 {
		return errors.New("targets missed: " + strings.Join(bad, ", "))
	}
	return nil
}

// defaultJoin is what newcomers wait at the most.
func defaultJoin(kind attack.Kind) time.Duration {
	if kind.Setup.TLS {
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}

// parseAttack reads the command line.
func parseAttack(args []string) (opt attack.Options, kinds []attack.Kind, err error) {
	about := attackAbout
	for _, k := range attack.Kinds() {
		about += fmt.Sprintf("  %-10s %s\n", k.Name, k.About)
	}
	fs := newFlags("attack", "[KIND...]", strings.TrimSuffix(about, "\n"))
	fs.IntVar(&opt.Viewers, "n", 500, "honest viewers of 300 kbit/s, who check all they get")
	fs.IntVar(&opt.Newcomers, "newcomers", 10, "honest `viewers` that join each second, over TLS where that is attacked")
	fs.DurationVar(&opt.Window, "duration", 20*time.Second,
		"length of the attack, and of the measurements before and after it")
	fs.DurationVar(&opt.Settle, "settle", 2*time.Second, "wait between the last join and the measurement")
	fs.DurationVar(&opt.Recover, "recover", time.Minute,
		"how long memory and descriptors may take to come back after the last measurement")
	fs.Float64Var(&opt.Scale, "scale", 1, "of the attack's connections and rates, for small machines")
	fs.StringVar(&opt.Pumpd, "pumpd", "", "pumpd `binary` instead of building one")
	settings := fs.String("pumpd-settings", "", "`keys` of [server] for it, such as merge=50ms,max_connections=900")
	fs.StringVar(&opt.URL, "url", "", "attack this stream, mmsh://host:port/path, instead of starting a pump")
	fs.StringVar(&opt.SecureURL, "secure", "", "with -url: the `URL` of the same over TLS, mmshs://host:port/path")
	fs.IntVar(&opt.PID, "pid", 0, "with -url: the pump's process")
	fs.Float64Var(&opt.Targets.Latency, "max-p99", 2, "target: `times` that the p99 may be what it was before")
	fs.DurationVar(&opt.Targets.Join, "max-join", 0,
		"target: the longest wait of a newcomer for its first byte (default 2s, 500ms where TLS is attacked)")
	growth := fs.Float64("max-growth", 5, "target: `percent` of memory and descriptors that may remain")
	names, err := parseFlags(fs, args, 0, len(attack.Kinds()))
	if err != nil {
		return opt, nil, err
	}
	opt.Targets.Growth, opt.Settings = *growth/100, parseKeys(*settings)
	if kinds, err = attack.Named(names); err != nil {
		return opt, nil, err
	}
	return opt, kinds, opt.Check()
}

// runAttacker is the child: bench attacker KIND VICTIM.
func runAttacker(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 {
		return errUsage
	}
	return attack.Attack(ctx, args[0], args[1], os.Stdin, out)
}
