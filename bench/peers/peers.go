// Package peers starts the servers that are compared, pumpd among them, feeds them and stops them.
package peers

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
	"time"

	"pumpd/bench/push"
	"pumpd/bench/source"
	"pumpd/bench/upstream"
)

//go:embed config
var peerFiles embed.FS

// A Peer is a server that bench can start, feed and measure.
type Peer struct {
	Name   string
	binary string // a path or a name to look for
	config string // file below config/
	setup  Setup  // pumpd's
	args   func(config string) []string
	feed   func(ctx context.Context, src source.Source, at place) error
	url    func(at place) string
}

// Cubemap is the reflector by Steinar H. Gunderson; it pulls, and is what /usr/sbin or PATH has.
func Cubemap() *Peer {
	return &Peer{
		Name: "Cubemap", binary: "cubemap", config: "cubemap.config",
		args: func(config string) []string { return []string{config} },
		feed: func(ctx context.Context, src source.Source, at place) error {
			up, err := upstream.Listen(at.upstream(), src.Header())
			if err != nil {
				return err
			}
			return up.Run(ctx, src, 0)
		},
		url: func(at place) string { return "http://" + at.host() + "/bench" },
	}
}

// Icecast is fed by a source client and is what /usr/sbin or PATH has.
func Icecast() *Peer {
	return &Peer{
		Name: "Icecast", binary: "icecast2", config: "icecast.xml",
		args: func(config string) []string { return []string{"-c", config} },
		feed: func(ctx context.Context, src source.Source, at place) error {
			to := &url.URL{Scheme: "icecast", Host: at.host(), Path: "/bench", User: url.UserPassword("source", at.Password)}
			return feedUntilUp(ctx, func() error { return push.AsIcecast(ctx, src, to, 0) })
		},
		url: func(at place) string { return "http://" + at.host() + "/bench" },
	}
}

// feedUntilUp tries again while the server is still starting.
func feedUntilUp(ctx context.Context, feed func() error) error {
	for limit := time.Now().Add(StartTimeout); ; time.Sleep(50 * time.Millisecond) {
		err := feed()
		if err == nil || ctx.Err() != nil || time.Now().After(limit) {
			return err
		}
	}
}

// StartTimeout is how long a server may take to start and to have its stream.
const StartTimeout = 10 * time.Second

// Find returns the binary's path, or the error that it is not installed. Debian has servers in sbin, which is not in
// everybody's PATH.
func (p *Peer) Find() (string, error) {
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

func (p *Peer) writeConfig(at place) (string, error) {
	t, err := template.ParseFS(peerFiles, "config/"+p.config)
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
