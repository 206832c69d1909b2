package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"pumpd/bench/source"
)

// A Server is a peer that was started.
type Server struct {
	peer *Peer
	cmd  *exec.Cmd
	at   place
	log  string        // file
	dead chan struct{} // closed when it has ended
}

// Start writes the config and starts the server in a directory of its own. Stop must be called.
func (p *Peer) Start() (*Server, error) {
	binary, err := p.Find()
	if err != nil {
		return nil, err
	}
	at, err := p.prepare()
	if err != nil {
		return nil, err
	}
	config, err := p.writeConfig(at)
	if err != nil {
		os.RemoveAll(at.Dir)
		return nil, err
	}
	r := &Server{peer: p, cmd: exec.Command(binary, p.args(config)...), at: at, log: filepath.Join(at.Dir, "output"),
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
		r.cmd.Wait() // how it went is in its ProcessState
		close(r.dead)
	}()
	return r, nil
}

// Stop ends the server, by force if it does not want to, and removes what it wrote.
func (r *Server) Stop() {
	r.cmd.Process.Signal(os.Interrupt)
	select {
	case <-r.dead:
	case <-time.After(6 * time.Second):
		r.cmd.Process.Kill()
		<-r.dead
	}
	os.RemoveAll(r.at.Dir)
}

// Feed gives it packets in real time until ctx is done or src is over.
func (r *Server) Feed(ctx context.Context, src source.Source) error {
	return r.peer.feed(ctx, src, r.at)
}

// URL is what viewers ask for.
func (r *Server) URL() string { return r.peer.url(r.at) }

// PID is its process.
func (r *Server) PID() int { return r.cmd.Process.Pid }

// Ended says whether the server has ended by itself, and how: "exit status 1".
func (r *Server) Ended() (over bool, how string) {
	select {
	case <-r.dead:
		return true, r.cmd.ProcessState.String()
	default:
		return false, ""
	}
}

// LastWords is the end of what the server printed.
func (r *Server) LastWords() string {
	b, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}
