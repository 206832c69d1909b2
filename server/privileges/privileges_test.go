package privileges

import (
	"os"
	"os/user"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatalf("every system has a nobody: %v", err)
	}
	for _, c := range []struct {
		text string
		want string // of the error, "" is none
	}{
		{"nobody", ""},
		{nobody.Uid, ""},
		{"nobody:" + nobody.Gid, ""},
		{"4000000:4000001", ""},
		{"4000000", "needs a group"},
		{"", "no such user"},
		{":", "no such user"},
		{":0", "no such user"},
		{"no-such-user", "no such user"},
		{"nobody:no-such-group", "no such group"},
		{"nobody:", "no such group"},
		{"-1:-1", "no such user"},
		{"99999999999:1", "no such user"},
		{"root", "is root"},
		{"0", "is root"},
		{"0:65534", "is root"},
	} {
		id, err := Parse(c.text)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %+v, %v, want %q", c.text, id, err, c.want)
		}
	}
	id, err := Parse("4000000:4000001")
	if err != nil || id.UID != 4000000 || id.GID != 4000001 || len(id.Groups) != 0 {
		t.Errorf("%+v, %v", id, err)
	}
}

// What it does as root is tested with the whole program.
func TestAssumeTakesRoot(t *testing.T) {
	if IsRoot() {
		return
	}
	id := Identity{Name: "somebody", UID: os.Getuid() + 1, GID: os.Getgid()}
	if err := id.Assume(); err == nil || !strings.Contains(err.Error(), "only root can become somebody") {
		t.Errorf("%v", err)
	}
}

// It is somebody with the right user, and with the right group where that is asked for.
func TestHas(t *testing.T) {
	uid, gid := os.Getuid(), os.Getgid()
	for _, c := range []struct {
		id   Identity
		want bool
	}{
		{Identity{UID: uid, GID: gid}, true},
		{Identity{UID: uid, GID: gid + 1}, true},
		{Identity{UID: uid, GID: gid, named: true}, true},
		{Identity{UID: uid, GID: gid + 1, named: true}, false},
		{Identity{UID: uid + 1, GID: gid}, false},
	} {
		if got := c.id.Has(); got != c.want {
			t.Errorf("%+v: %v", c.id, got)
		}
	}
	if id, err := Parse("4000000:4000001"); err != nil || !id.named {
		t.Errorf("%+v, %v", id, err)
	}
}
