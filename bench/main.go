// Bench feeds pumps, watches them and measures them. It speaks the protocols itself and imports nothing of the server,
// so it tests and measures any other server as well.
//
//	push     an encoder: sends an ASF file or a synthetic source to a push URL, or serves it as an upstream
//	load     thousands of viewers, a sample of which checks every byte
//	floor    what the kernel alone costs: bare sendto of the same bytes
//	compare  pumpd, the floor and other servers one after the other, as a table
//	attack   attacks beside honest viewers, who must not notice
//	link     a thin, slow or lossy line between this machine and a network namespace
//
// Each command has its flags in a file here; what it does is in the packages below this one:
//
//	source, probe    packets in real time, and what marks them
//	push, upstream   give them to a server, or to whoever connects
//	viewers, check   watch, and find what is wrong with a stream
//	load             watch with thousands and sum up, with latency, machine and sock
//	floor            bare sending
//	peers, compare   other servers, and the table
//	attack           kinds of attack, and honest viewers before, during and after
//	link             a line's rate, queue, delay and loss
//
// Reading order: probe, source, push, check, viewers, load.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"pumpd/bench/attack"
	"pumpd/bench/floor"
)

// A command is one word of the command line. run gets what follows the word.
type command struct {
	name, summary string
	hidden        bool // started by bench itself, not by people
	run           func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{name: "push", summary: "send an ASF file or a synthetic source to a server as an encoder would", run: runPush},
		{name: "load", summary: "watch a stream with thousands of viewers and check a sample of them", run: runLoad},
		{name: "floor", summary: "measure bare sendto to as many sockets: the limit of this machine", run: runFloor},
		{name: "compare", summary: "run pumpd, the floor and other servers, print a table", run: runCompare},
		{name: "attack", summary: "attack a pump beside honest viewers and tell whether they noticed", run: runAttack},
		{name: "link", summary: "emulate a thin, slow or lossy line to a network namespace", run: runLink},
		{name: attack.AttackerCommand, hidden: true, run: runAttacker},
		{name: floor.SinkCommand, hidden: true, run: runSink},
	}
}

// errUsage says that the command line was wrong; what was wrong with it is already printed.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// dispatch runs one command and gives the exit code: 0 good, 1 failed or found faults, 2 usage.
func dispatch(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		usage(errs)
		return 2
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], out)
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		}
		fmt.Fprintf(errs, "bench %s: %v\n", c.name, err)
		return 1
	}
	usage(errs)
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		return 0
	}
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: bench COMMAND [flags] [arguments]")
	for _, c := range commands() {
		if !c.hidden {
			fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
		}
	}
	fmt.Fprintln(w, "bench COMMAND -h lists the flags of a command")
}
