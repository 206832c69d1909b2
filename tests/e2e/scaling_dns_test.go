//go:build players

package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bind runs the zones of docs/scaling.md, as its nth block of them has them, by a real BIND in a network of its own: it
// listens on port 53, and only at addresses that its machine has.
func bind(t *testing.T, n *namespace, nth int, own *strings.Replacer) {
	t.Helper()
	needProgram(t, "named", "bind9")
	dir, err := os.MkdirTemp("", "bind")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	zone := own.Replace(scalingBlock(t, "zone", 0))
	files := map[string]string{
		"named.conf": `options { directory "` + dir + `"; listen-on-v6 { none; }; pid-file none; session-keyfile none;
			recursion no; dnssec-validation no; };
			controls {};
			` + strings.ReplaceAll(own.Replace(scalingBlock(t, "bind", nth)), "/etc/bind", dir),
		"db.example.org":   zone + "watch A 192.0.2.11\n",
		"db.example.org.x": zone + "watch A 192.0.2.12\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	named := background(t, "named", n.command("named", "-g", "-c", filepath.Join(dir, "named.conf")))
	(&pump{process: named}).says(t, "all zones loaded") // it listens before that, and knows nothing yet
	awaitListener(t, "named", n.there+":53")
}

// An edge finds its origin by the SRV records of a real DNS server, and another one when that dies.
func TestScaleByService(t *testing.T) {
	t.Parallel()
	one, other := startNeighbours(t, "", scalingBlock(t, "toml", 0))
	spare := startMortal(t, "", "") // which nobody should need
	for _, m := range []*mortal{one, other} {
		pushEncoder(t, m)
	}
	n := newNamespace(t)
	bind(t, n, 0, strings.NewReplacer(" 8086 ", " "+lastPort(one.addr)+" ", "192.0.2.11", hostOf(one),
		"192.0.2.12", hostOf(other), "192.0.2.13", hostOf(spare)))
	edge := startResolving(t, n.there, scalingBlock(t, "toml", 4))
	waitLive(t, edge.addr, streamPath("news"))
	watching := func(m *mortal) bool {
		s, err := m.status("news")
		return err == nil && s.Viewers == 1
	}
	first := one
	if !poll(patience, func() bool { return watching(one) || watching(other) }) {
		t.Fatal("the edge is at neither of the origins")
	}
	if watching(other) {
		first, other = other, one
	}
	first.kill(t)
	if !poll(patience, func() bool { return watching(other) }) {
		t.Error("the edge does not go to the other origin")
	}
}

func hostOf(m *mortal) string { host, _, _ := net.SplitHostPort(m.addr); return host }

// startResolving is startPump, for a pump that asks a DNS server of its own: it alone sees another resolv.conf.
func startResolving(t *testing.T, server, streams string) *pump {
	t.Helper()
	config := filepath.Join(t.TempDir(), "pump.toml")
	configure(t, config, "", streams)
	proc, err := startProcess("pumpd", withFile(t, "/etc/resolv.conf", "nameserver "+server+"\n",
		mustBuild(t, pumpdProgram), "-c", config), newTranscript())
	if err != nil {
		t.Fatal(err)
	}
	p := &pump{process: proc, config: config}
	t.Cleanup(func() { p.close(t) })
	p.addr = p.waitListening(t)
	return p
}

// withFile is a command that sees another text in a file of the machine's.
func withFile(t *testing.T, file, text string, command ...string) *exec.Cmd {
	t.Helper()
	needProgram(t, "unshare", "util-linux")
	if os.Geteuid() != 0 {
		needed(t, "root, to mount "+file)
	}
	const script = `mount --bind "$0" "$1" && shift && exec "$@"`
	args := []string{"--mount", "sh", "-c", script, writeConfig(t, text), file}
	return exec.Command("unshare", append(args, command...)...)
}

// The resolvers of network X are told another address than others.
func TestScaleByViews(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	n.inside("ip", "link", "set", "lo", "up") // by which it reaches itself
	bind(t, n, 1, strings.NewReplacer("198.51.100.0/24", n.here))
	here := func(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, patience) }
	for _, c := range []struct {
		dial func(addr string) (net.Conn, error)
		want string
	}{{here, "192.0.2.12"}, {n.dial, "192.0.2.11"}} {
		resolver := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return c.dial(n.there + ":53")
		}}
		got, err := resolver.LookupHost(context.Background(), "watch.example.org.")
		if err != nil || !slices.Equal(got, []string{c.want}) {
			t.Errorf("watch.example.org: %v, error %v; want %s", got, err, c.want)
		}
	}
}
