package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"pumpd/bench/quantity"
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

// parseFlags allows flags before, between and after the arguments and returns the arguments. The number of those must
// be between least and most.
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

// quantityVar defines a quantity flag with its default.
func quantityVar(fs *flag.FlagSet, name string, value quantity.Number, usage string) *quantity.Number {
	b := value
	fs.Var(&b, name, usage)
	return &b
}
