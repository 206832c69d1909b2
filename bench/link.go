package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"pumpd/bench/link"
)

const linkAbout = "" +
	`Emulates a line: what passes between this machine and a network namespace has a rate, a queue that drops at its tail,
a delay and a loss, in each direction. It needs root, TUN devices and ip(8), and no netem. Run the pump behind the line:

	bench link -rate 20Mbit -delay 25ms -netns thin      and meanwhile
	ip netns exec thin pumpd                             its viewers, here, connect to 198.18.0.2

-up and -down are of one direction only and go before -rate, -queue, -delay and -loss: -up rate=1Mbit,loss=1%. Up is out
of the namespace, a pump's uplink. -at changes the line while it runs: -at 10s:rate=12Mbit, -at 20s:up:loss=1%; it
repeats, and -script reads a file of such lines. The rate counts IP packets with their headers. Dice of the same seed
lose the same packets. Where other programs keep the cores busy, start it with nice -n -15: it is late otherwise. At the
end (SIGINT, SIGTERM or -duration) it prints what passed and what was dropped, and removes its devices and the namespace
that it made.`

// runLink is bench link.
func runLink(ctx context.Context, args []string, out io.Writer) error {
	opt := link.Options{Shapes: [2]link.Shape{{Queue: link.Queue{Time: 250 * time.Millisecond}}}}
	var where link.Where
	fs := newFlags("link", "", linkAbout)
	ways := lineFlags(fs, &opt.Shapes[link.Up])
	fs.Func("at", "`TIME:[up:|down:]SETTINGS` that change then; repeats", func(s string) error {
		c, err := link.ParseChange(s)
		opt.Script = append(opt.Script, c)
		return err
	})
	fs.Func("script", "`file` of such changes, one a line", func(name string) error {
		changes, err := readScript(name)
		opt.Script = append(opt.Script, changes...)
		return err
	})
	fs.Uint64Var(&opt.Seed, "seed", 1, "of the loss")
	duration := fs.Duration("duration", 0, "how long; 0: until it is stopped")
	fs.StringVar(&where.Namespace, "netns", "",
		"`name` or path of the namespace; one that does not exist is made and removed (default link-PID)")
	fs.StringVar(&where.Device, "device", "", "`name` of the device at both ends (default linkPID)")
	prefixVar(fs, &where.Here, "here", "198.18.0.1/30", "`address` of this end")
	prefixVar(fs, &where.There, "there", "198.18.0.2/30", "`address` of the end in the namespace")
	if _, err := parseFlags(fs, args, 0, 0); err != nil {
		return err
	}
	opt.Shapes[link.Down] = opt.Shapes[link.Up]
	for i, texts := range ways {
		for _, text := range texts {
			opt.Shapes[i].Set(text)
		}
	}
	return emulate(ctx, opt, where, *duration, out)
}

// lineFlags defines the flags of both directions, and those of one, whose texts it gives: they go before the others.
func lineFlags(fs *flag.FlagSet, both *link.Shape) (ways *[2][]string) {
	for name, usage := range map[string]string{
		"rate":  "`bit/s`, such as 20Mbit; 0: no limit (default)",
		"queue": "its `length`, as a time at the rate or in bytes (default 250ms)",
		"delay": "`time` of each packet on the way (default 0s)",
		"loss":  "`percent` of the packets, such as 1% (default 0%)",
	} {
		fs.Func(name, usage, func(s string) error { return both.Set(name + "=" + s) })
	}
	ways = new([2][]string)
	for i, usage := range [...]string{
		link.Up:   "`settings` out of the namespace, where they differ: rate=1Mbit,loss=1%",
		link.Down: "`settings` into the namespace, where they differ",
	} {
		fs.Func(link.Directions[i], usage, func(s string) error {
			ways[i] = append(ways[i], s)
			return new(link.Shape).Set(s)
		})
	}
	return ways
}

func prefixVar(fs *flag.FlagSet, p *netip.Prefix, name, value, usage string) {
	*p = netip.MustParsePrefix(value)
	fs.TextVar(p, name, *p, usage)
}

func readScript(name string) ([]link.Change, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return link.ReadScript(f)
}

// emulate runs the link until ctx is done, the terminal is gone or the time is over.
func emulate(ctx context.Context, opt link.Options, where link.Where, duration time.Duration, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	ends, err := link.Open(where)
	if err != nil {
		return err
	}
	defer func() {
		if err := ends.Close(); err != nil {
			fmt.Fprintln(out, err)
		}
	}()
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	for i, shape := range opt.Shapes {
		fmt.Fprintf(out, "%-4s %v\n", link.Directions[i], shape)
	}
	fmt.Fprintf(out, "namespace %s at %v, here %v, device %s\n",
		ends.Namespace, where.There.Addr(), where.Here.Addr(), ends.Device)
	return link.Run(ctx, opt, ends.HereEnd, ends.ThereEnd, out)
}
