package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pumpd/server"
	"pumpd/server/config"
	"pumpd/server/control"
	"pumpd/server/handover"
)

// askUpgrade is "pumpd -upgrade": it has the pump that runs by a configuration upgrade to a program, "" is its own
// again, and prints what it hears of that. It returns the exit code.
func askUpgrade(file, program string, stdout, stderr io.Writer) int {
	if program != "" {
		program = absolute(program)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := control.Ask(ctx, absolute(file), program, func(line string) { fmt.Fprintln(stdout, line) })
	if err != nil {
		fmt.Fprintf(stderr, "pumpd -upgrade: %s: %v\n", file, err)
		return exitFault
	}
	fmt.Fprintln(stdout, "upgraded")
	return exitOK
}

// predecessor is the way to the process that has started us to take over from it; nil: nobody has.
func predecessor() (*handover.Conn, error) {
	conn, err := handover.FromEnvironment()
	if conn != nil {
		// Until we serve these are not meant for us, whoever sends them to all that is called pumpd.
		signal.Ignore(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
		handover.Reach(handover.Loading)
	}
	return conn, err
}

// refuse tells the process before why we do not take over, or prints it where there is none.
func refuse(before *handover.Conn, why error, stderr io.Writer) {
	if before == nil || before.Refuse(why) != nil {
		lastWord(stderr, why.Error()+"\n")
	}
}

// newServer is one that begins anew, or one that takes over.
func newServer(cfg *config.Config, log *slog.Logger, before *handover.Conn) (*server.Server, error) {
	if before == nil {
		return server.New(cfg, log)
	}
	theirs, err := before.Greet(server.Greeting(versionName()))
	if err != nil {
		return nil, err
	}
	return server.Inherit(cfg, log, before, &theirs)
}

// spawn starts a program that is to take over, as we were started; "" is ours, or what is there in its place by now.
func spawn(program string) (*handover.Child, error) {
	if os.Getpid() == 1 {
		return nil, errFirstProcess
	}
	if program == "" {
		var err error
		if program, err = handover.Own(); err != nil {
			return nil, err
		}
	}
	return handover.Start(program, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
}

var (
	errFirstProcess = errors.New("this is the first process of a container, which ends with it: start another container")
	errUpgrading    = errors.New("an upgrade is going on already")
	// errOutdated is how a pump ends that a program of another version is to take the place of.
	errOutdated = errors.New("ended for a program that cannot take over while viewers watch on")
)

// upgrades are those of one server, for whoever asks: SIGUSR2 and "pumpd -upgrade".
type upgrades struct {
	s       *server.Server
	log     *slog.Logger
	ctx     context.Context // done when the server is to end, or has handed over: an upgrade that is not committed is none
	abandon context.CancelFunc
	managed bool // somebody starts us again when we end

	one      sync.Mutex  // held by who upgrades
	outdated atomic.Bool // we end for another program
	handed   atomic.Bool // another process has taken over: what is left here has no drain
}

func newUpgrades(s *server.Server, log *slog.Logger) *upgrades {
	ctx, abandon := context.WithCancel(context.Background())
	return &upgrades{s: s, log: log, ctx: ctx, abandon: abandon, managed: os.Getenv("NOTIFY_SOCKET") != ""}
}

// run runs the server, which can be asked for upgrades meanwhile.
func (u *upgrades) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, u.abandon)()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	var asked sync.WaitGroup
	asked.Go(func() { u.heed(signals) })
	asked.Go(func() {
		select {
		case <-u.s.Ready():
			control.Serve(u.ctx, control.Name(u.s.File), u.log, u.upgrade)
		case <-u.ctx.Done():
		}
	})
	err := u.s.Run(ctx)
	u.one.Lock() // an upgrade that is committed is about to hear from the new process; there is no other one
	u.abandon()
	waitFor(asked.Wait, answerTime)
	if err == nil && u.outdated.Load() {
		return errOutdated
	}
	return err
}

// answerTime is for who has asked for an upgrade to hear how it went before we end.
const answerTime = time.Second

// heed has each signal be an upgrade. The log has what becomes of it.
func (u *upgrades) heed(signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			_ = u.upgrade("", func(string) {})
		case <-u.ctx.Done():
			return
		}
	}
}

// renewal begins an upgrade to our own program. It is nil where nobody would know that another process is the pump now:
// who only knows that we have ended would start a second one.
func (u *upgrades) renewal() func() {
	if !u.managed || os.Getpid() == 1 {
		return nil
	}
	return func() { go func() { _ = u.upgrade("", func(string) {}) }() } // the log has what becomes of it
}

// upgrade is a control.Upgrade.
func (u *upgrades) upgrade(program string, say func(string)) error {
	if !u.one.TryLock() {
		return errUpgrading
	}
	defer u.one.Unlock()
	untell := tellStages(say)
	err := u.s.Upgrade(u.ctx, program)
	untell()
	if err == nil {
		u.handed.Store(true)
		u.abandon() // the next process is to be asked
		return nil
	}
	return u.afterFault(program, err)
}

// drain is for who is told to end: it hands nothing over, and may have to wait until its viewers are gone.
func (u *upgrades) drain() (waits bool) {
	u.abandon()
	return !u.handed.Load() && u.s.Drain() > 0
}

// tellStages has each stage be said, by a goroutine of its own: stages wait for nobody. The function that it returns
// waits until all are said.
func tellStages(say func(string)) (end func()) {
	words := make(chan string, handover.Running+2) // all of them, and the end
	handover.Watch(func(s handover.Stage) {
		select {
		case words <- s.String():
		default: // more than there are
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for word := range words {
			if word == "" {
				return
			}
			say(word)
		}
	}()
	return func() {
		handover.Watch(func(handover.Stage) {})
		words <- ""
		<-done
	}
}

// afterFault is what becomes of an upgrade that has failed. A new program that does not understand us will not, however
// often it is asked: where it is the one that the service manager starts, we end for it, without haste.
func (u *upgrades) afterFault(program string, err error) error {
	if _, other := errors.AsType[*handover.VersionError](err); !other || !u.managed || !isOwn(program) {
		return err
	}
	u.outdated.Store(true)
	long := u.s.Drain()
	u.log.Warn("upgrade: viewers cannot move, so they are sent away and the service manager starts the new program",
		"drain", long.String(), "err", err)
	return fmt.Errorf("%w; they are sent away within %v, and the service manager starts the new program", err, long)
}

// isOwn says whether a program is the one that runs, by its path.
func isOwn(program string) bool {
	own, err := handover.Own()
	return program == "" || err == nil && program == own
}

// waitFor waits for a call, no longer than d.
func waitFor(call func(), d time.Duration) {
	done := make(chan struct{})
	go func() {
		call()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(d):
	}
}
