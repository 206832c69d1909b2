package peers

import (
	"context"
	"net/url"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"pumpd/bench/push"
	"pumpd/bench/source"
)

// A Setup is what a pumpd has besides its defaults.
type Setup struct {
	Settings []string // further lines of [server] such as merge = "100ms"
	TLS      bool     // it listens for TLS as well, with an ECDSA key and a certificate that nobody signed
	Guarded  bool     // it wants a password from encoders
	Admin    bool     // it has a status page, at Server.AdminURL
	Others   int      // streams besides, other0 and on, that this machine may push
	Pulls    int      // streams besides, pull0 and on, that it pulls from Server.Upstream when somebody asks for them
	Unread   bool     // its standard error is a full pipe before long: it is small, and nobody reads it
}

// Pumpd is a pumpd binary.
func Pumpd(binary string, setup Setup) *Peer {
	name := "pumpd"
	if len(setup.Settings) > 0 {
		name += ", " + strings.NewReplacer(" = ", " ", `"`, "").Replace(strings.Join(setup.Settings, ", "))
	}
	return &Peer{
		Name: name, binary: binary, config: "pumpd.toml", setup: setup,
		args: func(config string) []string { return []string{"-c", config} },
		feed: func(ctx context.Context, src source.Source, at place) error {
			to := &url.URL{Scheme: "http", Host: at.host(), Path: "/streams/bench_push"}
			if at.Guarded {
				to.User = url.UserPassword("bench", at.Password)
			}
			return feedUntilUp(ctx, func() error {
				opt := push.Options{Length: 1<<31 - 1, Strip: true, Agent: "WMEncoder/11.0.5721.5145"}
				_, err := push.AsEncoder(ctx, src, to, opt, 0, func(string, ...any) {})
				return err
			})
		},
		url: func(at place) string { return "mmsh://" + at.host() + "/streams/bench" },
	}
}

// unreadPipe is a pipe of one page, which some 30 lines fill. Both ends must be closed.
func unreadPipe() (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err != nil {
		return nil, nil, err
	}
	if _, err = unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		r.Close()
		w.Close()
		return nil, nil, os.NewSyscallError("fcntl F_SETPIPE_SZ", err)
	}
	return r, w, nil
}
