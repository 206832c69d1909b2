package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

//go:embed peers
var peerFiles embed.FS

// A peer is a server that bench can start, feed and measure.
type peer struct {
	name     string
	binary   string   // a path or a name to look for
	config   string   // file below peers/
	settings []string // pumpd: further lines of [server]
	args     func(config string) []string
	feed     func(ctx context.Context, src *synth, at place) error // until ctx is done
	url      func(at place) string                                 // what viewers ask for
}

// A place is where one started server lives. The config templates see its exported fields.
type place struct {
	Dir      string // of this run alone
	Port     int
	Upstream int // where the peer pulls from, if it pulls
	Password string
	Root     bool
	Settings []string
}

// pumpdPeer runs a pumpd binary with further settings such as merge = "100ms".
func pumpdPeer(binary string, settings []string) *peer {
	name := "pumpd"
	if len(settings) > 0 {
		name += ", " + strings.NewReplacer(" = ", " ", `"`, "").Replace(strings.Join(settings, ", "))
	}
	return &peer{
		name: name, binary: binary, config: "pumpd.toml", settings: settings,
		args: func(config string) []string { return []string{"-c", config} },
		feed: func(ctx context.Context, src *synth, at place) error {
			to := &url.URL{Scheme: "http", Host: at.host(), Path: "/streams/bench_push"}
			return feedUntilUp(ctx, func() error {
				_, err := feedPush(ctx, src, to, pushOptions{length: 1<<31 - 1, strip: true, agent: "WMEncoder/11.0.5721.5145"}, 0, func(string, ...any) {})
				return err
			})
		},
		url: func(at place) string { return "mmsh://" + at.host() + "/streams/bench" },
	}
}

func cubemapPeer() *peer {
	return &peer{
		name: "Cubemap", binary: "cubemap", config: "cubemap.config",
		args: func(config string) []string { return []string{config} },
		feed: func(ctx context.Context, src *synth, at place) error {
			up, err := newUpstream(fmt.Sprintf("127.0.0.1:%d", at.Upstream), src.header())
			if err != nil {
				return err
			}
			return up.run(ctx, src, 0)
		},
		url: func(at place) string { return "http://" + at.host() + "/bench" },
	}
}

func icecastPeer() *peer {
	return &peer{
		name: "Icecast", binary: "icecast2", config: "icecast.xml",
		args: func(config string) []string { return []string{"-c", config} },
		feed: func(ctx context.Context, src *synth, at place) error {
			to := &url.URL{Scheme: "icecast", Host: at.host(), Path: "/bench", User: url.UserPassword("source", at.Password)}
			return feedUntilUp(ctx, func() error { return feedIcecast(ctx, src, to, 0) })
		},
		url: func(at place) string { return "http://" + at.host() + "/bench" },
	}
}

func (at place) host() string { return fmt.Sprintf("127.0.0.1:%d", at.Port) }

// feedUntilUp tries again while the server is still starting.
func feedUntilUp(ctx context.Context, feed func() error) error {
	for limit := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		err := feed()
		if err == nil || ctx.Err() != nil || time.Now().After(limit) {
			return err
		}
	}
}

const startTimeout = 10 * time.Second

// find returns the binary's path. Debian has servers in sbin, which is not in everybody's PATH.
func (p *peer) find() (string, error) {
	if path, err := exec.LookPath(p.binary); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, p.binary)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", p.binary)
}

// A running is a started server.
type running struct {
	cmd  *exec.Cmd
	at   place
	dead chan error
	log  string
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
	r := &running{cmd: exec.Command(binary, p.args(config)...), at: at, dead: make(chan error, 1), log: filepath.Join(at.Dir, "output")}
	out, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	r.cmd.Stdout, r.cmd.Stderr = out, out
	if err := r.cmd.Start(); err != nil {
		os.RemoveAll(at.Dir)
		return nil, err
	}
	go func() { r.dead <- r.cmd.Wait() }()
	return r, nil
}

// settle makes a directory and finds ports.
func (p *peer) settle() (at place, err error) {
	if at.Dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return at, err
	}
	if err := os.Chmod(at.Dir, 0o777); err != nil { // servers that drop root write their logs there
		return at, err
	}
	if at.Port, err = localPort(); err != nil {
		return at, err
	}
	at.Upstream, err = localPort()
	at.Password, at.Root, at.Settings = nonce(), os.Getuid() == 0, p.settings
	return at, err
}

func (p *peer) writeConfig(at place) (string, error) {
	t, err := template.ParseFS(peerFiles, "peers/"+p.config)
	if err != nil {
		return "", err
	}
	name := filepath.Join(at.Dir, p.config)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	return name, errors.Join(t.Execute(f, at), f.Close())
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

// lastWords is the end of what the server printed.
func (r *running) lastWords() string {
	b, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}
