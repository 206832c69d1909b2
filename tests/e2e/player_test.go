//go:build players

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A player is a program that shows a stream to us: it writes decoded pictures into a pipe, at its own pace, or logs a
// checksum of each.
type player struct {
	name string
	// programs are looked up in PATH; each names the Debian package that brings it.
	programs []packaged
	// command is the pipeline that plays: each program reads what the one before it writes.
	command func(t *testing.T, s stage) []*exec.Cmd
	// logged finds the checksum in the lines of a player that logs it (mpv); nil: the pictures come through
	// stage.pictures.
	logged *regexp.Regexp
	// trouble is in log lines that tell of damaged input; harmless is in those of them that do not.
	trouble, harmless *regexp.Regexp
	// lossless players show every frame that arrives; the others drop what is late for their clock.
	lossless bool
	// buffer is how much of the stream it wants, after its first picture, before it goes on.
	buffer time.Duration
}

type packaged struct{ program, debian string }

// A stage is what a player plays: a URL, and where to.
type stage struct {
	url      string
	dir      string // its own, writable for anybody
	pictures string // the pipe for YUV4MPEG
}

// A frame is a decoded picture, known by its checksum.
type frame struct {
	at  time.Duration // after the player was started
	sum uint32
}

// A showing is one run of a player.
type showing struct {
	length  time.Duration
	buffer  time.Duration // the player's
	frames  []frame
	early   error  // why the player ended by itself, if it did
	ended   bool   // it did
	log     []line // up to the moment when it was told to end
	trouble []string
}

// excerpt is the end of the log, without the lines that tell of a picture each.
func (s *showing) excerpt(p player) string {
	const most = 60 // lines
	var text []string
	for _, l := range s.log {
		if !strings.Contains(l.text, "Parsed_showinfo") {
			text = append(text, "\t"+l.text)
		}
	}
	return p.name + " printed at last:\n" + strings.Join(text[max(0, len(text)-most):], "\n")
}

// play runs a player for length and tells what was seen.
func (p player) play(t *testing.T, url string, length time.Duration) *showing {
	t.Helper()
	over := make(chan struct{})
	defer time.AfterFunc(length, func() { close(over) }).Stop()
	return p.playUntil(t, url, over, nil)
}

// playUntil runs a player until that is over, or it has logged what says matches, unless that is nil.
func (p player) playUntil(t *testing.T, url string, over <-chan struct{}, says *regexp.Regexp) *showing {
	t.Helper()
	for _, need := range p.programs {
		needProgram(t, need.program, need.debian)
	}
	s := stage{url: url, dir: openDir(t)}
	s.pictures = filepath.Join(s.dir, "pictures")
	out := newTranscript()
	seen := &gallery{begin: time.Now()}
	said, once := make(chan struct{}), sync.Once{}
	out.each = func(l line) {
		if p.logged != nil {
			seen.addLogged(p.logged, l)
		}
		if says != nil && says.MatchString(l.text) {
			once.Do(func() { close(said) })
		}
	}
	if p.logged == nil {
		closePipe := readPipe(t, s.pictures, seen)
		defer closePipe()
	}
	running := startPipeline(t, p.name, p.command(t, s), out)
	last := running[len(running)-1]
	show := &showing{buffer: p.buffer}
	select {
	case <-over:
	case <-said:
	case <-last.ended:
		show.ended, show.early = true, last.err
	}
	show.length = time.Since(seen.begin)
	show.log, _ = out.lines()
	show.frames = seen.frames()
	if !p.lossless {
		// VLC shows its first picture again while it waits for more.
		show.frames = slices.CompactFunc(show.frames, func(a, b frame) bool { return a.sum == b.sum })
	}
	for _, proc := range slices.Backward(running) {
		proc.terminate(2 * time.Second)
	}
	for _, l := range show.log {
		if p.trouble.MatchString(l.text) && (p.harmless == nil || !p.harmless.MatchString(l.text)) {
			show.trouble = append(show.trouble, l.text)
		}
	}
	return show
}

// startPipeline starts programs that are joined by pipes.
func startPipeline(t *testing.T, name string, cmds []*exec.Cmd, out *transcript) []*process {
	t.Helper()
	var running []*process
	var between *os.File
	for i, cmd := range cmds {
		if between != nil {
			cmd.Stdin = between
		}
		var w *os.File
		if i < len(cmds)-1 {
			var err error
			if between, w, err = os.Pipe(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { between.Close() })
			cmd.Stdout = w
		}
		proc, err := startProcess(name, cmd, out)
		if err != nil {
			t.Fatal(err)
		}
		if w != nil {
			w.Close()
		}
		running = append(running, proc)
	}
	return running
}

// nobody may not enter the directories that testing makes, and VLC does not run as root.
const nobody = 65534

// openDir makes a directory for a player that may run as nobody.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pumpd-player-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// unprivileged lets cmd run as nobody, with a home, if we are root.
func unprivileged(cmd *exec.Cmd, home string) *exec.Cmd {
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}
