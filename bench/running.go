package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A running is a started server.
type running struct {
	peer *peer
	cmd  *exec.Cmd
	at   place
	log  string        // file
	dead chan struct{} // closed when it has ended
	err  error         // how, to be read after that
}

// start writes the config and starts the server in a directory of its own.
func (p *peer) start() (*running, error) {
	binary, err := p.find()
	if err != nil {
		return nil, err
	}
	at, err := p.settle()
	if err != nil {
		return nil, err
	}
	config, err := p.writeConfig(at)
	if err != nil {
		os.RemoveAll(at.Dir)
		return nil, err
	}
	r := &running{peer: p, cmd: exec.Command(binary, p.args(config)...), at: at, log: filepath.Join(at.Dir, "output"),
		dead: make(chan struct{})}
	out, err := os.Create(r.log)
	if err != nil {
		os.RemoveAll(at.Dir)
		return nil, err
	}
	defer out.Close()
	r.cmd.Stdout, r.cmd.Stderr = out, out
	if err := r.cmd.Start(); err != nil {
		os.RemoveAll(at.Dir)
		return nil, err
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.dead)
	}()
	return r, nil
}

// stop ends the server, by force if it does not want to, and removes what it wrote.
func (r *running) stop() {
	r.cmd.Process.Signal(os.Interrupt)
	select {
	case <-r.dead:
	case <-time.After(6 * time.Second):
		r.cmd.Process.Kill()
		<-r.dead
	}
	os.RemoveAll(r.at.Dir)
}

// feed gives it packets in real time until ctx is done or src is over.
func (r *running) feed(ctx context.Context, src source) error { return r.peer.feed(ctx, src, r.at) }

// url is what viewers ask for.
func (r *running) url() string { return r.peer.url(r.at) }

// pid is its process.
func (r *running) pid() int { return r.cmd.Process.Pid }

// ended says whether the server has ended by itself, and how.
func (r *running) ended() (over bool, err error) {
	select {
	case <-r.dead:
		return true, r.err
	default:
		return false, nil
	}
}

// lastWords is the end of what the server printed.
func (r *running) lastWords() string {
	b, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}
