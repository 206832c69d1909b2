//go:build players

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// forwardBlock is a block of docs/forward.md.
func forwardBlock(t *testing.T, mark string, nth int) string {
	t.Helper()
	return recipe{program: mark, nth: nth, file: "forward.md"}.text(t)
}

// startFar runs the pump of docs/forward.md that viewers come to, and gives where it speaks TLS; ca.crt in dir is its
// certificate.
func startFar(t *testing.T, dir string) (p *pump, secure string) {
	t.Helper()
	sh(t, dir, `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=pump.example" \
		-addext subjectAltName=DNS:pump.example,DNS:localhost -keyout pump.key -out pump.crt`)
	own := strings.NewReplacer(":8089", "127.0.0.1:0", `"pump.`, `"`+dir+`/pump.`)
	p = startPump(t, "", own.Replace(forwardBlock(t, "pumpd", 0)))
	return p, p.tlsAddr(t)
}

// A realProxy is an HTTP proxy from Debian, with a password.
type realProxy struct {
	name, program, debian string
	config                func(t *testing.T, dir string) string // with the names of docs/forward.md
	command               func(config string) *exec.Cmd
}

var realProxies = []realProxy{
	{"squid, Basic", "squid", "squid", func(t *testing.T, dir string) string {
		sh(t, dir, `echo "user:$(openssl passwd -apr1 password)" > users`)
		return forwardBlock(t, "squid", 0)
	}, squid},
	{"squid, Digest", "squid", "squid", func(t *testing.T, dir string) string {
		sh(t, dir, `echo user:password > users`)
		basic := regexp.MustCompile(`(?m)^auth_param basic .*\n`)
		return basic.ReplaceAllString(forwardBlock(t, "squid", 0), forwardBlock(t, "squid", 1))
	}, squid},
	{"tinyproxy", "tinyproxy", "tinyproxy-bin", func(t *testing.T, _ string) string {
		return forwardBlock(t, "tinyproxy", 0)
	}, func(config string) *exec.Cmd { return exec.Command("tinyproxy", "-d", "-c", config) }},
}

func squid(config string) *exec.Cmd { return exec.Command("squid", "-N", "-f", config) }

// start runs the proxy, which lets through to one port, and gives its address.
func (r realProxy) start(t *testing.T, secure string) string {
	t.Helper()
	needProgram(t, r.program, r.debian)
	dir, err := os.MkdirTemp("", "proxy") // where squid's own user finds it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	addr := freePort(t)
	host, port, _ := net.SplitHostPort(addr)
	_, to, _ := net.SplitHostPort(secure)
	text := strings.NewReplacer("http_port 3128", "http_port "+addr, "Port 3128", "Port "+port+"\nListen "+host,
		"8089", to, "/etc/squid", dir).Replace(r.config(t, dir))
	if r.program == "squid" {
		text += "pid_filename none\ncache_log /dev/null\naccess_log none\n"
	}
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	background(t, r.name, r.command(file))
	awaitListener(t, r.name, addr)
	return addr
}

// The stunnel of docs/forward.md brings an encoder through a proxy to the pump.
func TestForwardByStunnel(t *testing.T) {
	needProgram(t, "stunnel4", "stunnel4")
	needProgram(t, "openssl", "openssl")
	c := makeClip(t, "wmv2", 1400)
	for _, proxy := range realProxies {
		if strings.Contains(proxy.name, "Digest") {
			continue // stunnel knows Basic and NTLM
		}
		t.Run(proxy.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			far, secure := startFar(t, dir)
			addr := freePort(t)
			own := strings.NewReplacer("accept = 127.0.0.1:8086", "accept = "+addr, "proxy.example:3128", proxy.start(t, secure),
				"pump.example:8089", secure, "/etc/ssl/certs/ca-certificates.crt", "pump.crt")
			near := stunnel(t, dir, addr, own.Replace(forwardBlock(t, "stunnel", 0)))
			pushNews(t, "encoder:secret@"+near, c)
			waitLive(t, far.addr, streamPath("news"))
			settle(t, far, "news")
			play(t, far, "mmsh", "news", c, false, []player{ffmpeg})
		})
	}
}

// So does the pump that stands in its place.
func TestForwardByPumpd(t *testing.T) {
	needProgram(t, "openssl", "openssl")
	c := makeClip(t, "wmv2", 1400)
	for _, proxy := range realProxies {
		t.Run(proxy.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			far, secure := startFar(t, dir)
			_, port, _ := net.SplitHostPort(secure)
			own := strings.NewReplacer("proxy.example:3128", proxy.start(t, secure),
				"[[streams]]", "for_local = true\n[[streams]]", "pump.example:8089", "localhost:"+port)
			near := startPump(t, "", own.Replace(forwardBlock(t, "pumpd", 1))+
				fmt.Sprintf("forward_ca_file = %q\n", filepath.Join(dir, "pump.crt")))
			pushNews(t, near.addr, c)
			waitLive(t, far.addr, streamPath("news"))
			settle(t, far, "news")
			play(t, far, "mmsh", "news", c, false, []player{ffmpeg, vlc})
		})
	}
}

// pushNews has bench push a clip to the stream of docs/forward.md.
func pushNews(t *testing.T, at string, c *clip) {
	t.Helper()
	background(t, "bench push", exec.Command(mustBuild(t, benchProgram), "push", "-strip", c.file,
		"http://"+at+streamPath("news")+"_push"))
}
