//go:build players

package e2e

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
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
	program string    // and the mark of its block there, and its Debian package
	nth     int       // among its program's blocks
	file    string    // in docs; "": proxies.md
	edit    [2]string // of the block: what stands there, and in its place
	guards  bool      // it says who may push
	ports   bool      // it says the ports of clients
	players map[string][]player
	command func(t *testing.T, config string) *exec.Cmd
}

var (
	recipes = []recipe{
		{name: "nginx", program: "nginx", guards: true, players: withProbe, command: nginx},
		{name: "nginx' stream module", program: "nginx", nth: 1, ports: true, players: withProbe, command: nginxStream},
		{name: "HAProxy in TCP mode", program: "haproxy", ports: true, players: withProbe, command: haproxy},
		{name: "HAProxy in TCP mode with version 1", program: "haproxy", edit: [2]string{"send-proxy-v2", "send-proxy"},
			ports: true, players: withProbe, command: haproxy},
		{name: "HAProxy in HTTP mode", program: "haproxy", nth: 2, guards: true, players: withoutProbe, command: haproxy},
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

// nginxStream has what stands beside http there. On Debian the module is loaded by a file that belongs to its package.
func nginxStream(t *testing.T, config string) *exec.Cmd {
	const module = "/usr/lib/nginx/modules/ngx_stream_module.so"
	if _, err := os.Stat(module); err != nil {
		needed(t, "nginx' stream module (Debian: apt-get install libnginx-mod-stream)")
	}
	whole := fmt.Sprintf("load_module %s;\ndaemon off;\nerror_log stderr;\npid %s;\nevents {}\n%s", module,
		filepath.Join(t.TempDir(), "pid"), config)
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
	if r.edit[0] != "" {
		text = strings.ReplaceAll(text, r.edit[0], r.edit[1])
	}
	if encoders != "" {
		text = strings.ReplaceAll(text, "127.0.0.0/8", encoders)
	}
	background(t, r.name, r.command(t, text))
	awaitListener(t, r.name, addr)
	return addr
}

// awaitListener waits until a program listens.
func awaitListener(t *testing.T, name, addr string) {
	t.Helper()
	if !poll(patience, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}) {
		t.Fatalf("%s does not listen on %s", name, addr)
	}
}

// text is the block in the document.
func (r recipe) text(t *testing.T) string {
	t.Helper()
	file := cmp.Or(r.file, "proxies.md")
	document, err := os.ReadFile(filepath.Join(repository, "docs", file))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(document), "\n```"+r.program+"\n")[1:]
	if len(blocks) <= r.nth {
		t.Fatalf("docs/%s: %d blocks of %s, want more than %d", file, len(blocks), r.program, r.nth)
	}
	text, _, _ := strings.Cut(blocks[r.nth], "```")
	return text
}

// trusting is what docs/proxies.md has in pump.toml.
const trusting = `trusted_proxies = ["127.0.0.1"]`

// Encoders and players go through the proxies of docs/proxies.md as they go to pumpd.
func TestPlayThroughProxies(t *testing.T) {
	c := makeClip(t, "wmv2", 1400)
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := startPump(t, trusting, pushStream("live")+"push_from = [\"127.0.0.1\"]\n")
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
			p := startPump(t, trusting, pushStream("live")+"push_from = [\"127.0.0.1\"]\n")
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

// Through each of the proxies pumpd sees who its viewers are, whatever they say themselves, and who may push: whoever
// comes by the proxy of this machine is not this machine.
func TestAddressesThroughProxies(t *testing.T) {
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := startPump(t, trusting, fileStream("demo", "")+pushStream("mine")+pushStream("theirs")+
				"push_from = [\"127.0.0.7\"]\n")
			waitLive(t, p.addr, streamPath("demo"))
			addr := r.start(t, p, "")
			client := dialFrom(t, "127.0.0.7", addr)
			fmt.Fprintf(client, "GET /streams/demo HTTP/1.0\r\nUser-Agent: curl\r\nX-Forwarded-For: 203.0.113.9\r\n"+
				"Forwarded: for=203.0.113.9\r\n\r\n")
			if _, err := io.ReadFull(client, make([]byte, 4096)); err != nil {
				t.Fatal(err)
			}
			client.Close()
			want := "from=127.0.0.7:0 "
			if r.ports {
				want = "from=" + client.LocalAddr().String() + " "
			}
			p.waitLogged(t, `msg="viewer left"`, want)
			for _, c := range []struct{ stream, from, status string }{
				{"theirs", "127.0.0.7", " 204 "}, {"theirs", "127.0.0.8", " 403 "},
				{"mine", "127.0.0.1", " 403 "}, // the proxy's own address: who knows for whom
			} {
				encoder := dialFrom(t, c.from, addr)
				fmt.Fprintf(encoder, "POST /streams/%s_push HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"+
					"Content-Type: application/x-wms-pushsetup\r\n\r\n", c.stream)
				line, err := bufio.NewReader(encoder).ReadString('\n')
				if err != nil || !strings.Contains(line, c.status) {
					t.Errorf("setup of %s from %s: %q, %v, want%s", c.stream, c.from, line, err, c.status)
				}
				encoder.Close()
			}
		})
	}
}
