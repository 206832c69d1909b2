//go:build players

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A recipe is a configuration that docs/proxies.md shows, of a program that stands before pumpd.
type recipe struct {
	name    string
	program string // and the mark of its block there, and its Debian package
	nth     int    // among its program's blocks
	guards  bool   // it says who may push
	players map[string][]player
	command func(t *testing.T, config string) *exec.Cmd
}

var (
	recipes = []recipe{
		{"nginx", "nginx", 0, true, withProbe, nginx},
		{"HAProxy in TCP mode", "haproxy", 0, false, withProbe, haproxy},
		{"HAProxy in HTTP mode", "haproxy", 1, true, withoutProbe, haproxy},
	}
	withProbe    = map[string][]player{"mmsh": {ffmpeg, vlc}, "http": {ffmpeg}, "mms": {mplayer}}
	withoutProbe = map[string][]player{"mmsh": {ffmpeg, vlc}, "http": {ffmpeg}}
)

// nginx has a server block, which Debian includes in a configuration such as this.
func nginx(t *testing.T, config string) *exec.Cmd {
	dir := t.TempDir()
	var temp strings.Builder
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", what, filepath.Join(dir, what))
	}
	whole := fmt.Sprintf("daemon off;\nerror_log stderr;\npid %s;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n",
		filepath.Join(dir, "pid"), temp.String(), config)
	return exec.Command("nginx", "-c", writeConfig(t, whole))
}

func haproxy(t *testing.T, config string) *exec.Cmd {
	return exec.Command("haproxy", "-db", "-f", writeConfig(t, config))
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs the program before a pump, on a port of its own, and gives that. encoders replaces where the recipe's
// encoders are, unless it is "".
func (r recipe) start(t *testing.T, p *pump, encoders string) string {
	t.Helper()
	needProgram(t, r.program, r.program)
	addr := freePort(t)
	own := strings.NewReplacer("listen 80;", "listen "+addr+";", "bind :80", "bind "+addr, "127.0.0.1:8086", p.addr)
	text := own.Replace(r.text(t))
	if encoders != "" {
		text = strings.ReplaceAll(text, "127.0.0.0/8", encoders)
	}
	background(t, r.name, r.command(t, text))
	if !poll(patience, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}) {
		t.Fatalf("%s does not listen on %s", r.name, addr)
	}
	return addr
}

// text is the block in the document.
func (r recipe) text(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile(filepath.Join(repository, "docs", "proxies.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(document), "\n```"+r.program+"\n")[1:]
	if len(blocks) <= r.nth {
		t.Fatalf("docs/proxies.md: %d blocks of %s, want more than %d", len(blocks), r.program, r.nth)
	}
	text, _, _ := strings.Cut(blocks[r.nth], "```")
	return text
}

// Encoders and players go through the proxies of docs/proxies.md as they go to pumpd.
func TestPlayThroughProxies(t *testing.T) {
	c := makeClip(t, "wmv2", 1400)
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := startPump(t, "", pushStream("live"))
			front := &pump{process: p.process, addr: r.start(t, p, "")}
			push(t, front, "live", c, true)
			settle(t, p, "live")
			for scheme, players := range r.players {
				play(t, front, scheme, "live", c, false, players)
			}
		})
	}
}

// What an encoder is told comes through as encoders want to see it, and a proxy that is to keep others from pushing
// does.
func TestPushThroughProxies(t *testing.T) {
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			p := startPump(t, "", pushStream("live"))
			addr := r.start(t, p, "")
			answer := setUpAt(t, addr, "/streams/live_push")
			server := answer.Header.Get("Server")
			if answer.StatusCode != http.StatusNoContent || !strings.HasPrefix(server, "Cougar/") {
				t.Errorf("setup: status %s, Server %q, want 204 and Cougar/…", answer.Status, server)
			}
			if !r.guards {
				return
			}
			addr = r.start(t, p, "192.0.2.0/24")
			for _, path := range []string{"live_push", "LIVE_PUSH/", "live%5Fpush", "live_push%23x", "live_push?x"} {
				if answer := setUpAt(t, addr, "/streams/"+path); answer.StatusCode != http.StatusForbidden {
					t.Errorf("setup of a stranger at %s: status %s, want 403", path, answer.Status)
				}
			}
		})
	}
}

func setUpAt(t *testing.T, addr, path string) *http.Response {
	t.Helper()
	request, err := http.NewRequest("POST", "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-wms-pushsetup")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}
