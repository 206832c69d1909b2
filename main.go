// Command pumpd reflects live Windows Media streams: encoders push or upstreams are pulled on one side, players watch
// by MMSH and HTTP on the other.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"pumpd/server"
	"pumpd/server/config"
	"pumpd/server/handover"
	"pumpd/server/logging"
)

// version is set by the linker in "make build"; other builds know the module's.
var version = ""

// Exit codes.
const (
	exitOK    = 0
	exitFault = 1 // configuration or run
	exitUsage = 2

	exitOutdated = 75 // viewers have left for a program that could not take over: it is to be started
)

const usage = `usage: pumpd [-c FILE] [-t]
       pumpd -upgrade [-c FILE] [PROGRAM]
       pumpd sign [-c FILE] [-for 2h] [-ip ADDRESS] [-id VIEWER] URL
       pumpd doctor URL ...
       pumpd -version

Reflects live Windows Media streams. The configuration is explained in pump.toml.example.

`

func main() {
	relaxTimers()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "sign":
			return sign(args[1:], stdout, stderr)
		case "doctor":
			return runDoctor(args[1:], stdout, stderr)
		}
	}
	var out bytes.Buffer // of flags: help is for stdout if it was asked for
	flags := newFlags("pumpd", usage, &out)
	file := flags.String("c", "pump.toml", "configuration `FILE`")
	check := flags.Bool("t", false, "check the configuration, say what a reload would do, and exit")
	upgrade := flags.Bool("upgrade", false,
		"have PROGRAM, or what is installed now, take over from the pump that\nruns by FILE, while everybody watches on")
	showVersion := flags.Bool("version", false, "print the version and exit")
	err := flags.Parse(args)
	most := 0
	if *upgrade {
		most = 1
	}
	if err == nil && flags.NArg() > most {
		err = fmt.Errorf("unexpected argument: %q", flags.Arg(most))
		fmt.Fprintln(&out, err)
		flags.Usage()
	}
	if code, done := badUsage(err, &out, stdout, stderr); done {
		return code
	}

	if *showVersion {
		fmt.Fprintln(stdout, versionLine())
		return exitOK
	}
	hint := noConfig
	if given(flags, "c") {
		hint = ""
	}
	switch {
	case *upgrade:
		return askUpgrade(*file, flags.Arg(0), stdout, stderr)
	case *check:
		return checkFile(*file, hint, stdout, stderr)
	}
	return pump(*file, hint, stdout, stderr)
}

// checkFile is "pumpd -t". It returns the exit code.
func checkFile(file, hint string, stdout, stderr io.Writer) int {
	cfg, warnings, err := server.CheckConfig(file)
	if err != nil {
		fmt.Fprintln(stderr, hinted(err, file, hint))
		return exitFault
	}
	for _, w := range warnings {
		fmt.Fprintf(stderr, "warning: %s\n", w)
	}
	fmt.Fprintf(stdout, "%s: ok\n", file)
	preview(cfg, file, stdout)
	return exitOK
}

// pump is a pump, to its end. It returns the exit code.
func pump(file, hint string, stdout, stderr io.Writer) int {
	before, err := predecessor()
	if err != nil {
		lastWord(stderr, fmt.Sprintf("pumpd: %v\n", err))
		return exitFault
	}
	cfg, err := config.Load(file)
	if err != nil {
		refuse(before, hinted(err, file, hint), stderr)
		return exitFault
	}
	barPrivileges(&cfg.Server, before)
	err = serve(cfg, file, before, stdout, stderr)
	if err == nil {
		return exitOK
	}
	refuse(before, fmt.Errorf("pumpd: %w", err), stderr)
	if errors.Is(err, errOutdated) {
		return exitOutdated
	}
	return exitFault
}

// hinted is why a file cannot be loaded, and what to do where there is none. It begins with the file, or the operation
// on it, as editors like it.
func hinted(err error, file, hint string) error {
	if hint != "" && absent(err, file) {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

const noConfig = "name a configuration with -c FILE; pump.toml.example is the manual, and one to begin with"

// absent says whether an error is that there is no such file.
func absent(err error, file string) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && path.Path == file && errors.Is(path, fs.ErrNotExist)
}

// given says whether a flag was set by the arguments.
func given(flags *flag.FlagSet, name string) (yes bool) {
	flags.Visit(func(f *flag.Flag) { yes = yes || f.Name == name })
	return yes
}

// lastWord writes text unless that takes long: nobody may be reading, and the end must come all the same.
func lastWord(to io.Writer, text string) {
	said := make(chan struct{})
	go func() {
		io.WriteString(to, text)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(500 * time.Millisecond):
	}
}

// collectAt is how much garbage is let pile up, in percent of what is in use. A pump allocates little, a few KB for
// each packet however many watch, so collecting early costs next to nothing and keeps the process small.
const collectAt = 25

// serve runs the server, which may take over from a process before, until a signal asks it to end.
func serve(cfg *config.Config, file string, before *handover.Conn, stdout, stderr io.Writer) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	hangups := make(chan os.Signal, 1)
	rotations := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // for good: it is to end nothing, not even while we stop
	signal.Notify(rotations, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGPIPE) // who reads our log may go away
	var level slog.LevelVar
	format := logger(&cfg.Server, &level, stderr)
	log := slog.New(format)
	s, err := newServer(cfg, log, before)
	if err != nil {
		return err
	}
	s.Version, s.Level, s.Format, s.Stdout, s.Spawn = versionName(), &level, format, stdout, spawn
	s.Load = func() (*config.Config, error) { return config.Load(file) }
	s.File = absolute(file)
	if cfg.Server.AccessLog == config.AccessStdout {
		stdout = stderr // the access log has it for itself
	}
	// That one has said so already. In the journal nobody sits there, and localhost is not where they are.
	if before == nil && !inJournal(stdout) {
		go s.Announce(stdout)
	}
	u := newUpgrades(s, log)
	s.Renew = u.renewal()
	go func() {
		for range rotations {
			s.ReopenLogs()
		}
	}()
	go func() {
		for range hangups {
			_, _ = s.Reload(context.Background()) // it tells the log
		}
	}()
	return untilSignal(u.run, u.drain)
}

// untilSignal calls work with a context that SIGINT or SIGTERM cancels; but where drain, which a first SIGTERM calls,
// says that there is something to wait for, the second one. One more kills the process, however busy it is with
// closing.
func untilSignal(work func(context.Context) error, drain func() (waits bool)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case sig := <-signals:
			if sig == syscall.SIGTERM && drain() {
				select {
				case <-signals:
				case <-ctx.Done():
				}
			}
		case <-ctx.Done():
		}
		signal.Stop(signals) // before cancel: who sees work closing may send the second signal
		cancel()
	}()
	return work(ctx)
}

// logger writes as the configuration says, which is checked; what is said at less than level is left out.
func logger(cfg *config.Server, level *slog.LevelVar, to io.Writer) *logging.Format {
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		panic(err)
	}
	f := logging.NewFormat(to, level)
	f.Set(cfg.LogFormat)
	return f
}

// versionLine is what -version prints.
func versionLine() string {
	return fmt.Sprintf("pumpd %s %s %s/%s", versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionName is what the build was told, or else what Go knows of the module.
func versionName() string {
	name := version
	if info, ok := debug.ReadBuildInfo(); ok && name == "" {
		name = info.Main.Version
	}
	return cmp.Or(name, "(devel)")
}
