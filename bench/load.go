package main

import (
	"pumpd/bench/load"
)

import (
	"context"
	"encoding/json"
	"io"
	"os"
)

// runLoad is bench load.
func runLoad(ctx context.Context, args []string, out io.Writer) error {
	opt, file, err := parseLoad(args)
	if err != nil {
		return err
	}
	s, err := load.Measure(ctx, opt, os.Stderr)
	if err != nil {
		return err
	}
	s.Print(out)
	s.PrintBenchmark(out)
	if file != "" {
		b, _ := json.MarshalIndent(s, "", "  ") // of numbers and strings: cannot fail
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	return s.Verdict()
}
