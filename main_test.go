package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"pumpd/server"
	"pumpd/server/config"
)

// childEnv makes this test binary a program that the signal tests can kill.
const childEnv = "PUMPD_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		untilSignal(func(ctx context.Context) error {
			fmt.Println("ready")
			<-ctx.Done()
			fmt.Println("closing")
			select {} // never done with it
		}, atOnce)
	}
	os.Exit(m.Run())
}

func TestPreviewText(t *testing.T) {
	for _, c := range []struct {
		preview server.Preview
		want    string
	}{
		{server.Preview{Error: "pump.toml:1: one\npump.toml:2: two"},
			"a reload would be refused:\npump.toml:1: one\npump.toml:2: two\n"},
		{server.Preview{}, "a reload would change nothing\n"},
		{server.Preview{Report: server.Report{Changed: []string{"a", "b"}, Sources: []string{"b"}}},
			"a reload would\n  change streams: a b\n  begin the sources of streams anew: b\n"},
	} {
		if got := previewText(c.preview); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// atOnce is a drain of nobody.
func atOnce() bool { return false }

func TestRun(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.toml", "[server]\nlisten = [\"127.0.0.1:0\"]\n")
	keyed := write(t, dir, "keyed.toml", "[[streams]]\npath = \"demo\"\ntype = \"file\"\nview_keys = [\"a-bad-key\"]\n"+
		"[[streams]]\npath = \"open\"\ntype = \"file\"\n")
	bad := write(t, dir, "bad.toml", "[server]\nburst = \"x\"\nlog_levl = \"info\"\n")
	missing := filepath.Join(dir, "missing.toml")
	badText := bad + ":2: server.burst: \"x\", want a duration such as \"3s\" or \"100ms\", or \"auto\"\n" +
		bad + ":3: server.log_levl: unknown key, did you mean \"log_level\"?\n"
	missingText := "open " + missing + ": no such file or directory\n"

	// stdout and stderr are whole texts, or what a longer text begins with if they end in "…".
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"-t", "-c", good}, 0, good + ": ok\n", "warning: " + good + ": no stream is enabled, there is nothing " +
			"to watch\n"},
		{[]string{"-t", "-c", "pump.toml.example"}, 0, "pump.toml.example: ok\n", ""},
		{[]string{"-c", bad, "-t"}, 1, "", badText},
		{[]string{"-c", bad}, 1, "", badText},
		{[]string{"-c", missing, "-t"}, 1, "", missingText},
		{[]string{"-c", missing}, 1, "", missingText},
		{[]string{"sign", "-c", missing, "mmsh://h/streams/demo"}, 1, "", missingText},
		{[]string{"sign", "-c", keyed, "-for", "1h", "-ip", "::1", "-id", "ann", "mmsh://h/streams/Demo/"}, 0,
			"mmsh://h/streams/Demo/?e=…", ""},
		{[]string{"sign", "-c", keyed, "mmsh://h/streams/other"}, 1, "", "pumpd sign: \"mmsh://h/streams/other\": the " +
			"configuration has no such stream, …"},
		{[]string{"sign", "-c", keyed, "mmsh://h/streams/open"}, 1, "",
			"pumpd sign: stream open: the stream has no view_keys\n"},
		{[]string{"sign", "-c", keyed, "-ip", "h", "mmsh://h/streams/demo"}, 1, "",
			"pumpd sign: stream demo: address \"h\", want …"},
		{[]string{"sign"}, 2, "", "want one URL, got 0\n" + signUsage + "…"},
		{[]string{"sign", "-for", "-1s", "x"}, 2, "", "-for -1s: want more than 0s\n" + signUsage + "…"},
		{[]string{"sign", "-x"}, 2, "", "flag provided but not defined: -x\n" + signUsage + "…"},
		{[]string{"sign", "-h"}, 0, signUsage + "…", ""},
		{[]string{"-t", "-c", keyed}, 0, keyed + ": ok\n", "warning: " + keyed + ":4: streams[0].view_keys[0]: 9 bytes, …"},
		{[]string{"-h"}, 0, usage + "…", ""},
		{[]string{"--help"}, 0, usage + "…", ""},
		{[]string{"-x"}, 2, "", "flag provided but not defined: -x\n" + usage + "…"},
		{[]string{"-c"}, 2, "", "flag needs an argument: -c\n" + usage + "…"},
		{[]string{"-upgrade", "-c", good}, 1, "", "pumpd -upgrade: " + good + ": no pump runs by this configuration, …"},
		{[]string{"-upgrade", "a", "b"}, 2, "", "unexpected argument: \"b\"\n" + usage + "…"},
		{[]string{"pump.toml"}, 2, "", "unexpected argument: \"pump.toml\"\n" + usage + "…"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(c.args, &stdout, &stderr)
		if code != c.code || !matches(stdout.String(), c.stdout) || !matches(stderr.String(), c.stderr) {
			t.Errorf("pumpd %q:\n got %d, stdout %q, stderr %q\nwant %d, stdout %q, stderr %q", c.args,
				code, &stdout, &stderr, c.code, c.stdout, c.stderr)
		}
	}
}

func matches(got, want string) bool {
	if begin, more := strings.CutSuffix(want, "…"); more {
		return strings.HasPrefix(got, begin) && len(got) > len(begin)
	}
	return got == want
}

func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run([]string{"-version"}, &stdout, &stderr)
	if form := regexp.MustCompile(`^pumpd \S+ go1\.\S+ \w+/\w+\n$`); code != 0 || !form.MatchString(stdout.String()) {
		t.Errorf("-version: got %d, %q, stderr %q, want 0, %v", code, &stdout, &stderr, form)
	}
	version = "v1.2.3"
	t.Cleanup(func() { version = "" })
	if got := versionLine(); !strings.HasPrefix(got, "pumpd v1.2.3 go") {
		t.Errorf("version line: got %q, want the linker's version", got)
	}
}

// An address that cannot be listened on is one line with the key that has it.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	cert := newCertificate(t, dir)
	taken := fmt.Sprintf("%q", l.Addr())
	for _, c := range []struct{ key, listen, admin, tls string }{
		{"server.listen[0]", taken, `""`, ""},
		{"server.listen[1]", `"127.0.0.1:0", ` + taken, `""`, ""},
		{"server.admin", `"127.0.0.1:0"`, taken, ""},
		{"tls.listen[0]", `"127.0.0.1:0"`, `""`, "[tls]\nlisten = [" + taken + "]\n" + cert},
	} {
		file := write(t, dir, "pump.toml",
			fmt.Sprintf("[server]\nlisten = [%s]\nadmin = %s\nlog_level = \"error\"\n%s", c.listen, c.admin, c.tls))
		var stdout, stderr bytes.Buffer
		code := run([]string{"-c", file}, &stdout, &stderr)
		want := fmt.Sprintf("pumpd: %s: listen tcp %s: bind: address already in use\n", c.key, l.Addr())
		if code != 1 || stderr.String() != want {
			t.Errorf("%s in use: got %d and %q, want 1 and %q", c.key, code, &stderr, want)
		}
	}
}

// newCertificate makes a certificate in a directory, and says so as the configuration wants it.
func newCertificate(t *testing.T, dir string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, dir, "a.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return `certificates = [{ cert = "a.crt", key = "a.key" }]` + "\n"
}

// Without a configuration pumpd says what to do.
func TestNoConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{nil, {"-t"}} {
		var stdout, stderr bytes.Buffer
		code := run(args, &stdout, &stderr)
		want := "open pump.toml: no such file or directory; " + noConfig + "\n"
		if code != 1 || stderr.String() != want {
			t.Errorf("pumpd %q: got %d, %q, want 1, %q", args, code, &stderr, want)
		}
	}
}

func TestSignalCancels(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		failed := errors.New("as work returned it")
		err := untilSignal(func(ctx context.Context) error {
			if err := syscall.Kill(os.Getpid(), sig); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return failed
			case <-time.After(30 * time.Second):
				return fmt.Errorf("no cancel by %v", sig)
			}
		}, atOnce)
		if err != failed {
			t.Errorf("%v: got %v, want %v", sig, err, failed)
		}
	}
}

func TestSecondSignalKills(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { child.Process.Kill() })
	defer kill.Stop()
	for _, want := range []string{"ready\n", "closing\n"} {
		line := make([]byte, len(want))
		if _, err := out.Read(line); err != nil || string(line) != want {
			t.Fatalf("child: got %q, %v, want %q", line, err, want)
		}
		child.Process.Signal(syscall.SIGTERM)
	}
	err = child.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("child: got %v, want an end by SIGTERM", err)
	}
	if status := exit.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("child: got %v, want an end by SIGTERM", err)
	}
}

func TestLogger(t *testing.T) {
	for _, c := range []struct{ level, format, want string }{
		{"info", "text", "level=INFO msg=b stream=demo\nlevel=ERROR msg=c\n"},
		{"error", "text", "level=ERROR msg=c\n"},
		{"debug", "json", `{"level":"DEBUG","msg":"a"}` + "\n" + `{"level":"INFO","msg":"b","stream":"demo"}` + "\n" +
			`{"level":"ERROR","msg":"c"}` + "\n"},
	} {
		var out bytes.Buffer
		log := slog.New(logger(&config.Server{LogLevel: c.level, LogFormat: c.format}, new(slog.LevelVar), &out))
		log.Debug("a")
		log.Info("b", "stream", "demo")
		log.Error("c")
		got := regexp.MustCompile(`time=\S+ |"time":"[^"]*",`).ReplaceAllString(out.String(), "")
		if got != c.want {
			t.Errorf("level %s, format %s:\n got %q\nwant %q", c.level, c.format, got, c.want)
		}
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
