package peers

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Every config template must fill; what is left out would show as "<no value>".
func TestPeerConfigs(t *testing.T) {
	for _, p := range []*Peer{Pumpd("pumpd", Setup{Settings: []string{`merge = "100ms"`}}), Cubemap(), Icecast()} {
		at, err := p.prepare()
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(at.Dir)
		name, err := p.writeConfig(at)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), "<no value>") || !strings.Contains(string(b), fmt.Sprint(at.Port)) {
			t.Errorf("%s: %v\n%s", p.Name, err, b)
		}
	}
}

// What a Setup wants is in the config, and what that names exists.
func TestPumpdSetup(t *testing.T) {
	p := Pumpd("pumpd", Setup{TLS: true, Guarded: true, Admin: true})
	at, err := p.prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(at.Dir)
	name, err := p.writeConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	for _, want := range []string{fmt.Sprint(at.Secure), "bench:" + at.Password,
		fmt.Sprintf(`admin = "127.0.0.1:%d"`, at.AdminPort)} {
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("no %q: %v\n%s", want, err, b)
		}
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(at.Dir, "pump.crt"), filepath.Join(at.Dir, "pump.key")); err != nil {
		t.Error(err)
	}
}

// A pipe that nobody reads is full after a page, and then whoever writes waits.
func TestUnreadPipe(t *testing.T) {
	r, w, err := unreadPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := int(w.Fd()) // which makes it wait, each time
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	n, err := unix.Write(fd, make([]byte, 1<<16))
	if n != os.Getpagesize() || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestMissingPeer(t *testing.T) {
	p := &Peer{Name: "none", binary: "no-such-server"}
	if _, err := p.Start(); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("got %v", err)
	}
}
