package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoPump is that nobody is asked: no pump runs by that file.
var ErrNoPump = errors.New("no pump runs by this configuration, or none that can be asked")

// Ask has the pump that runs by a file, which is named with its whole path, upgrade to a program, "" is its own again,
// and calls heard with each line of what goes on. An error says why the old program goes on. Whatever becomes of ctx or
// of us, the upgrade goes on.
func Ask(ctx context.Context, file, program string, heard func(line string)) error {
	conn, err := reach(ctx, Name(file))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoPump, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	who, err := peer(conn)
	if err != nil {
		return err
	}
	// Root asks any user's pump. Anybody else would be told nothing by another user's.
	if us := os.Geteuid(); us != 0 && !trusted(who.Uid, us) {
		return fmt.Errorf("the pump, process %d, is user %d's, and this is user %d", who.Pid, who.Uid, us)
	}
	if !reads(who, file) {
		return fmt.Errorf("process %d of user %d has taken the pump's name, and is not the pump: it may not read %s",
			who.Pid, who.Uid, file)
	}
	_, _ = fmt.Fprintln(conn, strconv.Quote(program)) // who will not hear it has said why already
	heard(fmt.Sprintf("process %d of user %d is asked", who.Pid, who.Uid))
	return hear(conn, heard)
}

// reads says whether somebody may read a file. Anybody on the machine can take the name of a pump, but who may not read
// its configuration is not the pump. A file that is not there is no reason to doubt.
func reads(who *unix.Ucred, file string) bool {
	var is unix.Stat_t
	if who.Uid == 0 || unix.Stat(file, &is) != nil {
		return true
	}
	const owner, group, others = 0o400, 0o040, 0o004
	switch {
	case is.Uid == who.Uid:
		return is.Mode&owner != 0
	case is.Gid == who.Gid, slices.Contains(groups(who.Pid), is.Gid):
		return is.Mode&group != 0
	}
	return is.Mode&others != 0
}

// groups are those of a process beside its first one, nil if nobody knows.
func groups(pid int32) (list []uint32) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		names, ok := strings.CutPrefix(line, "Groups:")
		if !ok {
			continue
		}
		for name := range strings.FieldsSeq(names) {
			if g, err := strconv.ParseUint(name, 10, 32); err == nil {
				list = append(list, uint32(g))
			}
		}
	}
	return list
}

// reach dials the pump, for which there may be nobody for a moment.
func reach(ctx context.Context, name string) (*net.UnixConn, error) {
	for begun := time.Now(); ; {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", name)
		if err == nil {
			return conn.(*net.UnixConn), nil
		}
		if time.Since(begun) >= nobodyTime || pause(ctx, retryInterval) {
			return nil, err
		}
	}
}

// Gone is the line after which the pump that was asked may end without a word more: the new one has everything.
const Gone = "committed"

// hear reads all answers.
func hear(conn *net.UnixConn, heard func(string)) error {
	var faults []string
	done := false
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		line := lines.Text()
		if len(line) < 2 || line[1] != ' ' {
			return fmt.Errorf("%.80q, want an answer", line)
		}
		text := printable(line[2:])
		switch line[0] {
		case saysProgress:
			heard(text)
			done = done || text == Gone
		case saysDone:
			done = true
		case saysFault:
			faults = append(faults, text)
		default:
			return fmt.Errorf("%.80q, want an answer", line)
		}
	}
	switch {
	case len(faults) > 0:
		return errors.New(strings.Join(faults, "\n"))
	case done:
		return nil
	case lines.Err() != nil:
		return lines.Err()
	}
	return errors.New("the pump has ended before it said how it went")
}

// printable is for terminals: somebody else may have taken the name of a pump.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
