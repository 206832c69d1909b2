package main

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
	if netns && !inNamespace() {
		return reexecInNamespace(ctx, append(args, "-pumpd", opt.pumpd))
	}
	c, err := runComparison(ctx, opt)
	if err != nil {
		return err
	}
	c.print(out)
	return c.verdict()
}
