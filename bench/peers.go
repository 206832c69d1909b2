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
	feed     func(ctx context.Context, src source, at place) error
	url      func(at place) string
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
		feed: func(ctx context.Context, src source, at place) error {
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
		feed: func(ctx context.Context, src source, at place) error {
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
		feed: func(ctx context.Context, src source, at place) error {
			to := &url.URL{Scheme: "icecast", Host: at.host(), Path: "/bench", User: url.UserPassword("source", at.Password)}
			return feedUntilUp(ctx, func() error { return feedIcecast(ctx, src, to, 0) })
		},
		url: func(at place) string { return "http://" + at.host() + "/bench" },
	}
}

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
