package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"pumpd/bench/push"
	"pumpd/bench/quantity"
	"pumpd/bench/source"
	"pumpd/bench/upstream"
)

const pushAbout = "" +
	`Sends FILE, or with -synthetic a synthetic live source, to a push URL the way Windows Media Encoder does:
a setup, then PushStarts of -content-length bytes each until the source is over or -duration has passed.
http://user:password@host:port/path_push answers a Digest or Basic challenge.
icecast://user:password@host:port/mount is a source client of Icecast instead: whole packets, no framing.
` +
	"With -serve the source listens instead of pushing, and URL is left out: players with an NSPlayer " +
	"User-Agent get MMSH, paths\n" +
	`that end in .metacube get Metacube2 (what Cubemap pulls), everything else gets raw ASF.`

// pushFlags is the command line of bench push.
type pushFlags struct {
	fs        *flag.FlagSet
	synthetic bool
	bitrate   *quantity.Number
	synth     source.Options
	loop      bool
	push      push.Options
	duration  time.Duration
	serve     string
}

func newPushFlags() *pushFlags {
	f := &pushFlags{fs: newFlags("push", "[FILE] [URL]", pushAbout)}
	f.fs.BoolVar(&f.synthetic, "synthetic", false, "make the source instead of reading FILE")
	f.bitrate = quantityVar(f.fs, "bitrate", 300e3, "synthetic: `bit/s` of whole ASF packets")
	f.fs.IntVar(&f.synth.Packet, "packet", 1400, "synthetic: ASF packet size in `bytes`")
	f.fs.DurationVar(&f.synth.GOP, "gop", 2*time.Second, "synthetic: time from one key frame to the next")
	f.fs.IntVar(&f.synth.Payloads, "payloads", 1,
		"synthetic: payloads a packet; 1 has no length of its own, more put the key frame last")
	f.fs.IntVar(&f.synth.Padding, "padding", 0, "synthetic: `bytes` of padding in each packet")
	f.fs.IntVar(&f.synth.Ballast, "ballast", 0, "synthetic: `bytes` in the header that mean nothing")
	f.fs.BoolVar(&f.loop, "loop", false, "start FILE again at its end, with times that go on")
	f.fs.BoolVar(&f.push.Strip, "strip", true, "remove padding from packets, as encoders do")
	f.fs.Int64Var(&f.push.Length, "content-length", 2147483647,
		"`bytes` of each PushStart; small values make it wrap early")
	f.fs.StringVar(&f.push.Agent, "agent", "WMEncoder/11.0.5721.5145", "User-Agent")
	f.fs.DurationVar(&f.push.Retry, "retry", 0, "after a loss try for so long to resume with the same push-id; 0: never")
	f.fs.DurationVar(&f.duration, "duration", 0, "stop after so long; 0: at the end of the source")
	f.fs.StringVar(&f.serve, "serve", "", "listen on this `address` instead of pushing")
	return f
}

// runPush is bench push.
func runPush(ctx context.Context, args []string, out io.Writer) error {
	f := newPushFlags()
	rest, err := parseFlags(f.fs, args, 0, 2)
	if err != nil {
		return err
	}
	want := 2
	if f.synthetic {
		want--
	}
	if f.serve != "" {
		want--
	}
	if len(rest) != want {
		fmt.Fprintf(f.fs.Output(), "bench push: %d arguments where %d belong\n", len(rest), want)
		f.fs.Usage()
		return errUsage
	}
	src, err := f.source(rest)
	if err != nil {
		return err
	}
	if f.serve != "" {
		return f.runServe(ctx, src, out)
	}
	target, err := url.Parse(rest[len(rest)-1])
	if err != nil || target.Host == "" {
		return fmt.Errorf("URL %q: want http://host:port/path", rest[len(rest)-1])
	}
	return f.runTo(ctx, src, target, out)
}

func (f *pushFlags) source(args []string) (source.Source, error) {
	if !f.synthetic {
		return source.OpenFile(args[0], f.loop)
	}
	f.synth.Bitrate = int(*f.bitrate)
	return source.NewSynthetic(f.synth)
}

// runTo feeds one server until the source is over.
func (f *pushFlags) runTo(ctx context.Context, src source.Source, target *url.URL, out io.Writer) error {
	log := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "bench push: "+format+"\n", args...)
	}
	if target.Scheme == "icecast" {
		return push.AsIcecast(ctx, src, target, f.duration)
	}
	if target.Scheme != "http" && target.Scheme != "mmsh" {
		return fmt.Errorf("URL scheme %q: http or icecast", target.Scheme)
	}
	stats, err := push.AsEncoder(ctx, src, target, f.push, f.duration, log)
	fmt.Fprintf(out, "%d packets, %d bytes in %d PushStarts; %d losses, %d packets dropped while away\n",
		stats.Packets, stats.Bytes, stats.Starts, stats.Losses, stats.Dropped)
	return err
}

// runServe offers the source to whoever connects.
func (f *pushFlags) runServe(ctx context.Context, src source.Source, out io.Writer) error {
	up, err := upstream.Listen(f.serve, src.Header())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "serving mmsh://%s/ (raw ASF for other players, Metacube2 at /live.metacube)\n", up.Addr())
	return up.Run(ctx, src, f.duration)
}
