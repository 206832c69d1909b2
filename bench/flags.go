package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// newFlags is a flag set whose -h starts with the usage line and a few sentences.
func newFlags(name, arguments, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(os.Stderr)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usage: bench %s [flags] %s\n\n%s\n\n", name, arguments, about)
		fs.PrintDefaults()
	}
	return fs
}

// parseFlags allows flags before, between and after the arguments and returns the arguments. The number of those must be
// between least and most.
func parseFlags(fs *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, usageError(err)
		}
		if args = fs.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	if len(rest) < least || len(rest) > most {
		fmt.Fprintf(fs.Output(), "bench %s: %d arguments\n", fs.Name(), len(rest))
		fs.Usage()
		return nil, errUsage
	}
	return rest, nil
}

// usageError keeps a wish for help apart from a mistake: only the mistake is a failure.
func usageError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errUsage
}

// quantity is a flag in bit/s, or in bytes, that may be written 300k or 2.5M (powers of ten).
type quantity int64

func (b *quantity) Set(s string) error {
	unit := 1.0
	switch {
	case strings.HasSuffix(s, "k"):
		unit = 1e3
	case strings.HasSuffix(s, "M"):
		unit = 1e6
	case strings.HasSuffix(s, "G"):
		unit = 1e9
	}
	v, err := strconv.ParseFloat(strings.TrimRight(s, "kMG"), 64)
	if err != nil || !(v >= 0) || v*unit > math.MaxInt32 {
		return fmt.Errorf("%q: a number up to 2G, such as 64000, 300k, 2.5M", s)
	}
	*b = quantity(math.Round(v * unit))
	return nil
}

func (b *quantity) String() string {
	v := float64(*b)
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	}
	return strconv.FormatInt(int64(*b), 10)
}

// quantityVar defines a quantity flag with its default.
func quantityVar(fs *flag.FlagSet, name string, value quantity, usage string) *quantity {
	b := value
	fs.Var(&b, name, usage)
	return &b
}
