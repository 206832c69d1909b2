package main

import (
	"context"
	"io"
	"os"
	"strconv"
	"time"

	"pumpd/bench/load"
)

// runSink is the child: bench sink ADDR N PAUSE.
func runSink(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) != 3 {
		return errUsage
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	drain, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	return load.DrainSockets(ctx, args[0], n, drain, os.Stdin)
}
