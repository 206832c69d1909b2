package main

import (
	"flag"
	"io"
	"slices"
	"testing"
)

func TestFlagsAnywhere(t *testing.T) {
	for _, args := range [][]string{{"-x", "A", "B"}, {"A", "-x", "B"}, {"A", "B", "-x"}} {
		fs := flag.NewFlagSet("test", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		x := fs.Bool("x", false, "")
		rest, err := parseFlags(fs, args, 2, 2)
		if err != nil || !*x || !slices.Equal(rest, []string{"A", "B"}) {
			t.Errorf("%q: got %q, %v, %v", args, rest, *x, err)
		}
		if _, err := parseFlags(fs, args, 3, 3); err != errUsage {
			t.Errorf("%q for three: got %v", args, err)
		}
	}
}
