package main

import (
	"pumpd/bench/compare"
	"pumpd/bench/peers"
)

import (
	"context"
	"fmt"
	"io"
	"os"
)

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
