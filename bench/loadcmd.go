package main

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
	s, err := measureLoad(ctx, opt, os.Stderr)
	if err != nil {
		return err
	}
	s.print(out)
	s.printBenchmark(out)
	if file != "" {
		b, _ := json.MarshalIndent(s, "", "  ") // of numbers and strings: cannot fail
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			return err
		}
	}
	return s.verdict()
}
