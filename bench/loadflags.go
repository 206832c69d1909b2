package main

import (
	"time"
)

const loadAbout = `Watches each URL in turn with -n simulated viewers and measures for -duration once all of them are there.
mmsh://host:port/path asks as a player does (NSPlayer, Play); http://host:port/path is a plain GET and measures any server.
mmshs:// and https:// are the same over TLS. Certificates are not checked; what the crowd drops is records, not decrypted,
and its bytes are those of the records.
Most viewers drop what they get inside the kernel; a sample checks framing, LocationId, AFFlags, the key frame at the
start, and, when the source is "bench push -synthetic", every payload, its order and its age.
Exit code 1 when a viewer failed or was refused, or a fault was found. Stalled and slow viewers may be cut, that is no
failure. With -reconnect nobody has failed: who was refused comes back when Retry-After says, or after a second.`

// maxSites is how many URLs there may be.
const maxSites = 10_000

// parseLoad reads the command line. json is the file for the result, "" for none.
func parseLoad(args []string) (opt loadOptions, json string, err error) {
	fs := newFlags("load", "URL...", loadAbout)
	fs.IntVar(&opt.viewers, "n", 100, "viewers")
	fs.StringVar(&opt.sample, "sample", "1%", "of these, how many check everything: a `number` or a percentage; at least 8 with a percentage")
	fs.IntVar(&opt.stalled, "stalled", 0, "viewers besides -n that ask and never read")
	fs.IntVar(&opt.slow, "slow", 0, "viewers besides -n that read at -slow-rate and check what they get")
	rate := quantityVar(fs, "slow-rate", 100e3, "`bit/s` of a slow viewer")
	fs.Float64Var(&opt.churn, "churn", 0, "`viewers` replaced a second")
	fs.IntVar(&opt.herd, "herd", 0, "viewers besides -n that join in one instant")
	fs.DurationVar(&opt.herdAt, "herd-at", 0, "when the herd joins, from the start of the measurement (default a third of -duration)")
	fs.Float64Var(&opt.ramp, "ramp", 1000, "`viewers` that join a second; 0: all at once")
	fs.DurationVar(&opt.duration, "duration", 30*time.Second, "length of the measurement")
	fs.DurationVar(&opt.settle, "settle", 2*time.Second, "wait between the last join and the measurement")
	fs.DurationVar(&opt.silence, "silence", 5*time.Second, "a viewer that hears nothing for so long has failed")
	fs.DurationVar(&opt.patience, "patience", 15*time.Second, "a viewer that waits so long for the first byte has failed")
	fs.DurationVar(&opt.drain, "drain", 2*time.Millisecond, "pause of the crowd between two looks at its sockets; the sample never pauses")
	fs.IntVar(&opt.sources, "sources", 8, "loopback source addresses (127.0.0.2 and up), when URL is one")
	fs.IntVar(&opt.rcvbuf, "rcvbuf", 0, "SO_RCVBUF of viewers in `bytes`; 0: the kernel's")
	fs.StringVar(&opt.agent, "agent", "", "User-Agent (default NSPlayer/4.1.0.3856 for mmsh, bench for http)")
	fs.BoolVar(&opt.describe, "describe", false, "mmsh: a Describe on a connection of its own before each Play, as players do")
	fs.BoolVar(&opt.reconnect, "reconnect", false, "viewers that are closed or refused come back, after Retry-After, and have not failed")
	fs.IntVar(&opt.pid, "pid", 0, "the server's process: measure its CPU and memory")
	fs.StringVar(&json, "json", "", "write the result to this `file`")
	fs.BoolVar(&opt.quiet, "quiet", false, "no progress line")
	opt.urls, err = parseFlags(fs, args, 1, maxSites)
	opt.slowRate = float64(*rate)
	return opt, json, err
}
