// Package privileges gives up root's: a server that was started as root opens its ports and reads its keys, and goes on
// as a user that may do neither. All of it is for the process as a whole and for good.
package privileges

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// An Identity is whom a process runs as.
type Identity struct {
	Name   string // as the configuration has it
	UID    int
	GID    int
	Groups []int // supplementary ones

	named bool // the configuration has the group as well
}

// Parse finds "user" or "user:group", by name or by number. A user that has no name is good only with a group. root is
// an error: to be it is what nobody needs to ask for.
func Parse(s string) (Identity, error) {
	name, group, hasGroup := strings.Cut(s, ":")
	id := Identity{Name: s}
	u, err := lookUp(name)
	switch number, notNumber := strconv.ParseUint(name, 10, 31); {
	case err == nil:
		if err := id.take(u); err != nil {
			return id, err
		}
	case notNumber != nil:
		return id, fmt.Errorf("%.80q: there is no such user", name)
	case !hasGroup:
		return id, fmt.Errorf("%.80q: a user that has no name here needs a group, %s:GROUP", s, name)
	default:
		id.UID = int(number)
	}
	if id.named = hasGroup; hasGroup {
		if id.GID, err = groupOf(group); err != nil {
			return id, err
		}
	}
	if id.UID == 0 {
		return id, fmt.Errorf("%.80q: is root, want a user who is not", s)
	}
	return id, nil
}

func lookUp(name string) (*user.User, error) {
	if u, err := user.Lookup(name); err == nil {
		return u, nil
	}
	return user.LookupId(name)
}

// take fills an identity in from what the system knows of a user.
func (id *Identity) take(u *user.User) (err error) {
	if id.UID, err = strconv.Atoi(u.Uid); err != nil {
		return fmt.Errorf("user %.80q: %w", u.Username, err)
	}
	if id.GID, err = strconv.Atoi(u.Gid); err != nil {
		return fmt.Errorf("user %.80q: %w", u.Username, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return fmt.Errorf("groups of %.80q: %w", u.Username, err)
	}
	for _, g := range groups {
		if n, err := strconv.Atoi(g); err == nil && n != id.GID {
			id.Groups = append(id.Groups, n)
		}
	}
	return nil
}

func groupOf(name string) (int, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return strconv.Atoi(g.Gid)
	}
	n, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%.80q: there is no such group", name)
	}
	return int(n), nil
}

// IsRoot says whether the process may do everything.
func IsRoot() bool { return os.Geteuid() == 0 }

// Has says whether the process is id already. A group counts where the configuration names it: whoever started the
// process as the user may have given it another.
func (id Identity) Has() bool {
	return os.Geteuid() == id.UID && os.Getuid() == id.UID &&
		(!id.named || os.Getegid() == id.GID && os.Getgid() == id.GID)
}

// Assume makes the process id, all of its threads, and checks that there is no way back. What it has open stays open.
// After an error the process is in no state to go on.
func (id Identity) Assume() error {
	if !IsRoot() {
		return fmt.Errorf("only root can become %s, and this is user %d of group %d", id.Name, os.Geteuid(), os.Getegid())
	}
	// The groups first: who is no longer root may not change them. These are for all threads, see package syscall.
	if err := syscall.Setgroups(slices.Concat([]int{id.GID}, id.Groups)); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(id.GID, id.GID, id.GID); err != nil {
		return fmt.Errorf("setresgid %d: %w", id.GID, err)
	}
	if err := syscall.Setresuid(id.UID, id.UID, id.UID); err != nil {
		return fmt.Errorf("setresuid %d: %w", id.UID, err)
	}
	if err := gone(); err != nil {
		return err
	}
	// The kernel hides /proc/self from who has changed its user, and with it our own metrics from us. Now it is as if
	// that user had started us.
	return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
}

// gone checks that the kernel has taken all capabilities with the user, as it does unless somebody told it not to.
func gone() error {
	var caps [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &caps[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	for _, c := range caps {
		if c.Effective != 0 || c.Permitted != 0 {
			return errors.New("capabilities stay with another user, see securebits in capabilities(7)")
		}
	}
	return nil
}

// Barred says whether no program that this process runs can get it privileges again.
func Barred() bool {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && set == 1
}

// Bar has programs that the calling thread runs from now on, itself again among them, get no privileges by setuid bits
// or capabilities of files.
func Bar() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
