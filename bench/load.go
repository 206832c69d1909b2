package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"pumpd/bench/load"
)

const loadAbout = "" +
	`Watches each URL in turn with -n simulated viewers and measures for -duration once all of them are there.
` +
	"mmsh://host:port/path asks as a player does (NSPlayer, Play); http://host:port/path is a plain GET " +
	"and measures any server.\n" +
	"mmshs:// and https:// are the same over TLS. Certificates are not checked; what the crowd drops is " +
	"records, not decrypted,\n" +
	`and its bytes are those of the records.
Most viewers drop what they get inside the kernel; a sample checks framing, LocationId, AFFlags, the key frame at the
start, and, when the source is "bench push -synthetic", every payload, its order and its age. A picture is there when
the first packet is there that begins a key frame.
Exit code 1 when a viewer failed or was refused, or a fault was found. Who is sent elsewhere follows, and has failed
when that leads nowhere. Stalled and slow viewers may be cut, that is no failure. With -reconnect nobody has failed:
who was refused comes back when Retry-After says, or after a second, to where it began.`

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

// maxSites is how many URLs there may be.
const maxSites = 10_000

// parseLoad reads the command line. json is the file for the result, "" for none.
func parseLoad(args []string) (opt load.Options, json string, err error) {
	fs := newFlags("load", "URL...", loadAbout)
	fs.IntVar(&opt.Viewers, "n", 100, "viewers")
	fs.StringVar(&opt.Sample, "sample", "1%",
		"of these, how many check everything: a `number` or a percentage; at least 8 with a percentage")
	fs.IntVar(&opt.Stalled, "stalled", 0, "viewers besides -n that ask and never read")
	fs.IntVar(&opt.Slow, "slow", 0, "viewers besides -n that read at -slow-rate and check what they get")
	rate := quantityVar(fs, "slow-rate", 100e3, "`bit/s` of a slow viewer")
	fs.Float64Var(&opt.Churn, "churn", 0, "`viewers` replaced a second")
	fs.IntVar(&opt.Herd, "herd", 0, "viewers besides -n that join in one instant")
	fs.DurationVar(&opt.HerdAt, "herd-at", 0,
		"when the herd joins, from the start of the measurement (default a third of -duration)")
	fs.Float64Var(&opt.Ramp, "ramp", 1000, "`viewers` that join a second; 0: all at once")
	fs.DurationVar(&opt.Duration, "duration", 30*time.Second, "length of the measurement")
	fs.DurationVar(&opt.Settle, "settle", 2*time.Second, "wait between the last join and the measurement")
	fs.DurationVar(&opt.Silence, "silence", 5*time.Second, "a viewer that hears nothing for so long has failed")
	fs.DurationVar(&opt.Patience, "patience", 15*time.Second, "a viewer that waits so long for the first byte has failed")
	fs.DurationVar(&opt.Drain, "drain", 2*time.Millisecond,
		"pause of the crowd between two looks at its sockets; the sample never pauses")
	fs.IntVar(&opt.Sources, "sources", 8, "loopback source addresses (127.0.0.2 and up), when URL is one")
	fs.IntVar(&opt.Rcvbuf, "rcvbuf", 0, "SO_RCVBUF of viewers in `bytes`; 0: the kernel's")
	fs.StringVar(&opt.Agent, "agent", "", "User-Agent (default NSPlayer/4.1.0.3856 for mmsh, bench for http)")
	fs.BoolVar(&opt.Describe, "describe", false,
		"mmsh: a Describe on a connection of its own before each Play, as players do")
	fs.IntVar(&opt.Redirects, "redirects", 5,
		"how many redirects in a row a viewer follows, as players do; 0: none, and they count as refused")
	fs.BoolVar(&opt.Reconnect, "reconnect", false,
		"viewers that are closed or refused come back, after Retry-After, and have not failed")
	fs.IntVar(&opt.PID, "pid", 0, "the server's process: measure its CPU and memory")
	fs.StringVar(&json, "json", "", "write the result to this `file`")
	fs.BoolVar(&opt.Quiet, "quiet", false, "no progress line")
	opt.URLs, err = parseFlags(fs, args, 1, maxSites)
	opt.SlowRate = float64(*rate)
	return opt, json, err
}
