package peers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

	unread *os.File // its standard error, where Setup wants that nobody reads it
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
	if at.Unread {
		if r.unread, r.cmd.Stderr, err = unreadPipe(); err != nil {
			os.RemoveAll(at.Dir)
			return nil, err
		}
		defer r.cmd.Stderr.(*os.File).Close()
	}
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

// StopTimeout is how long a server may take to end.
const StopTimeout = 6 * time.Second

// Stop ends the server, by force if it does not want to, and removes what it wrote. willing: no force was needed.
func (r *Server) Stop() (willing bool) {
	r.cmd.Process.Signal(os.Interrupt)
	select {
	case <-r.dead:
		willing = true
	case <-time.After(StopTimeout):
		r.cmd.Process.Kill()
		<-r.dead
	}
	if r.unread != nil {
		r.unread.Close()
	}
	os.RemoveAll(r.at.Dir)
	return willing
}

// errOver is a source that had nothing more to say.
var errOver = errors.New("nothing more to send")

// Trouble says why there will be no stream any more: the server, or its feed, has ended. fed is where that leaves its
// error, which stays there.
func (r *Server) Trouble(fed chan error) error {
	if over, how := r.Ended(); over {
		return fmt.Errorf("server ended: %s", how)
	}
	select {
	case err := <-fed:
		fed <- err
		return fmt.Errorf("source ended: %w", cmp.Or(err, errOver))
	default:
		return nil
	}
}

// Feed gives it packets in real time until ctx is done or src is over.
func (r *Server) Feed(ctx context.Context, src source.Source) error {
	return r.peer.feed(ctx, src, r.at)
}

// URL is what viewers ask for.
func (r *Server) URL() string { return r.peer.url(r.at) }

// SecureURL is the same over TLS, where Setup has that.
func (r *Server) SecureURL() string {
	return fmt.Sprintf("mmshs://127.0.0.1:%d/streams/bench", r.at.Secure)
}

// AdminURL is the root of its status page, where Setup has that.
func (r *Server) AdminURL() string { return fmt.Sprintf("http://127.0.0.1:%d/", r.at.AdminPort) }

// Upstream is the host:port from which it pulls, where Setup has that.
func (r *Server) Upstream() string { return r.at.upstream() }

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
