//go:build players

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The way of docs/proxies.md for encoders that speak no TLS: its commands make the certificates, its configuration is
// stunnel's. Without the certificate nobody pushes.
func TestPushThroughStunnel(t *testing.T) {
	needProgram(t, "stunnel4", "stunnel4")
	needProgram(t, "openssl", "openssl")
	dir := t.TempDir()
	encoders := recipe{program: "sh"}
	sh(t, dir, encoders.text(t))
	sh(t, dir, `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=pump.example" \
		-addext subjectAltName=DNS:pump.example -keyout pump.key -out pump.crt`)
	secure := freePort(t)
	p := startPump(t, "", fmt.Sprintf("[tls]\nlisten = [%q]\ncertificates = [{ cert = %q, key = %q }]\nclient_ca = %q\n",
		secure, filepath.Join(dir, "pump.crt"), filepath.Join(dir, "pump.key"), filepath.Join(dir, "ca.crt"))+
		pushStream("live")+"push_certs = [\"studio\"]\n")
	text := recipe{program: "stunnel"}.text(t)
	start := func(text string) *pump {
		t.Helper()
		addr := freePort(t)
		own := strings.NewReplacer("accept = 127.0.0.1:8086", "accept = "+addr, "connect = pump.example:8089",
			"connect = "+secure, "/etc/ssl/certs/ca-certificates.crt", "pump.crt")
		return &pump{process: p.process, addr: stunnel(t, dir, addr, own.Replace(text))}
	}
	c := makeClip(t, "wmv2", 1400)
	behind := start(text)
	push(t, behind, "live", c, true)
	settle(t, p, "live")
	play(t, p, "mmsh", "live", c, false, []player{ffmpeg})

	unknown := start(regexp.MustCompile(`(?m)^(cert|key) = .*$`).ReplaceAllString(text, ""))
	if answer := setUpAt(t, unknown.addr, "/streams/live_push"); answer.StatusCode != 403 {
		t.Errorf("without a certificate: %s, want 403", answer.Status)
	}
	if !poll(patience, func() bool { return strings.Contains(p.out.tail(20), "see=push_certs") }) {
		t.Errorf("no line of the log names push_certs:\n%s", p.out.tail(20))
	}
}

// sh runs commands in a directory.
func sh(t *testing.T, dir, commands string) {
	t.Helper()
	cmd := exec.Command("sh", "-e", "-c", commands)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}

// stunnel runs it in a directory and gives addr when it listens there.
func stunnel(t *testing.T, dir, addr, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stunnel.conf")
	if err := os.WriteFile(file, []byte("foreground = yes\npid =\nsyslog = no\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("stunnel4", file)
	cmd.Dir = dir
	background(t, "stunnel", cmd)
	awaitListener(t, "stunnel", addr)
	return addr
}
