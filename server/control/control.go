// Package control is how whoever runs a pump asks it for an upgrade and hears how that goes, which a signal cannot say:
// lines over an abstract Unix socket that is named after the configuration.
//
//	asker                            pump
//	"/usr/bin/pumpd"   ──────▶             a program, quoted as in Go; "" is its own again
//	                   ◀──────   - sending any number of lines of what goes on
//	                   ◀──────   = …       it is done, or
//	                   ◀──────   ! …       why not, a line or more
package control

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Name is that of the socket of the pump that runs by a file, which is named with its whole path.
func Name(file string) string {
	name := "@pumpd" + file
	if len(name) > longestName {
		sum := sha256.Sum256([]byte(file))
		name = "@pumpd-" + hex.EncodeToString(sum[:])
	}
	return name
}

// longestName is that of a socket: sun_path of unix(7), the @ in the place of its first byte.
const longestName = 108

// What lines begin with.
const (
	saysProgress = '-'
	saysDone     = '='
	saysFault    = '!'
)

const (
	retryInterval = 20 * time.Millisecond // while another pump has the name: the one before us is about to give it up
	nobodyTime    = 2 * time.Second       // for an asker to find somebody: one pump gives the name up, the next takes it
	retryTime     = 5 * time.Second       // after which the log has it, once
	askTime       = 5 * time.Second       // for an asker to say what it wants
	sayTime       = 5 * time.Second       // for an asker to take a line
	longestLine   = 16 << 10              // of an asker
	mostAskers    = 4                     // at a time: whoever has an account here may knock, and each takes a descriptor
)

// An Upgrade upgrades to a program, "" is the same again, and says meanwhile how that goes.
type Upgrade func(program string, say func(line string)) error

// Serve has an upgrade be asked for under a name until ctx is done, by root and by whom the process runs as. While the
// name is somebody else's it tries again and again, and tells the log.
func Serve(ctx context.Context, name string, log *slog.Logger, upgrade Upgrade) {
	l := listen(ctx, name, log)
	if l == nil {
		return
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	var asked sync.WaitGroup
	defer asked.Wait()
	places := make(chan struct{}, mostAskers)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		conn, err := l.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil: // no descriptor is left for it: it waits
			<-places
			pause(ctx, retryInterval)
			continue
		}
		asked.Go(func() {
			serve(conn, log, upgrade)
			<-places
		})
	}
}

// listen is nil if ctx is done first.
func listen(ctx context.Context, name string, log *slog.Logger) *net.UnixListener {
	begun, said := time.Now(), false
	for {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		if err == nil {
			return l
		}
		if !said && time.Since(begun) >= retryTime {
			said = true
			log.Warn("pumpd -upgrade cannot reach this process, SIGUSR2 does", "socket", name, "err", err)
		}
		if pause(ctx, retryInterval) {
			return nil
		}
	}
}

// pause waits, and says whether ctx is done.
func pause(ctx context.Context, d time.Duration) (over bool) {
	select {
	case <-time.After(d):
		return false
	case <-ctx.Done():
		return true
	}
}

// serve does what one asker wants.
func serve(conn *net.UnixConn, log *slog.Logger, upgrade Upgrade) {
	defer conn.Close()
	who, err := peer(conn)
	if err == nil && !trusted(who.Uid, os.Geteuid()) {
		err = fmt.Errorf("user %d may not ask for an upgrade, only root and user %d may", who.Uid, os.Geteuid())
	}
	if err == nil {
		var program string
		if program, err = request(conn); err == nil {
			log.Info("upgrade: asked for", "program", program, "by_pid", who.Pid, "by_uid", who.Uid)
			err = upgrade(program, func(line string) { say(conn, saysProgress, line) })
		}
	}
	if err != nil {
		say(conn, saysFault, err.Error())
		return
	}
	say(conn, saysDone, "")
}

// trusted says whether a user may have a program of its own run by another.
func trusted(asker uint32, us int) bool { return asker == 0 || int64(asker) == int64(us) }

// peer is who is at the other end.
func peer(conn *net.UnixConn) (who *unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return who, errors.Join(failed, err)
}

// request reads which program is wanted.
func request(conn *net.UnixConn) (string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(askTime)); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, longestLine)).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("what is asked for, %d bytes: %w", len(line), err)
	}
	program, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
	if err != nil {
		return "", fmt.Errorf("%.80q, want a program in quotes", line)
	}
	if program != "" && !strings.HasPrefix(program, "/") {
		return "", fmt.Errorf("program %.80q, want its whole path", program)
	}
	return program, nil
}

// say tells an asker a text, each line of it as one. It may be gone, and nobody waits for it for long.
func say(conn *net.UnixConn, kind byte, text string) {
	_ = conn.SetWriteDeadline(time.Now().Add(sayTime))
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(&b, "%c %s\n", kind, line)
	}
	_, _ = io.WriteString(conn, b.String())
}
