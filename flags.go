package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
)

// newFlags are those of a command; what is to be said of them goes to out.
func newFlags(name, usage string, out *bytes.Buffer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		out.WriteString(usage)
		flags.PrintDefaults()
	}
	return flags
}

// badUsage ends a command whose arguments were not read for a reason: out is what there is to say, on stdout if help
// was asked for. done is false where there is no such reason.
func badUsage(err error, out *bytes.Buffer, stdout, stderr io.Writer) (code int, done bool) {
	switch {
	case err == nil:
		return exitOK, false
	case errors.Is(err, flag.ErrHelp):
		out.WriteTo(stdout)
		return exitOK, true
	}
	out.WriteTo(stderr)
	return exitUsage, true
}
