//go:build players

package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// promtool runs it in a directory of contrib, on what it is to read.
func promtool(t *testing.T, stdin []byte, args ...string) {
	t.Helper()
	cmd := exec.Command(needProgram(t, "promtool", "prometheus"), args...)
	cmd.Dir, cmd.Stdin = filepath.Join(repository, "contrib", "prometheus"), bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v\n%s", args, err, out)
	}
}

// Prometheus takes the metrics and the rules, and all that rules and dashboard ask for is there.
func TestPrometheus(t *testing.T) {
	m := startMortal(t, "max_viewers = 100", fileStream("demo", "")+
		"[[streams]]\npath = \"pulled\"\ntype = \"mmsh_pull\"\nurl = \"mmsh://127.0.0.1:1/\"\n")
	waitLive(t, m.addr, streamPath("demo"))
	reportAsWMP(t, m) // players' reports have metrics from the first one on
	answer, err := http.Get("http://" + m.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	metrics, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, metrics, "check", "metrics")
	promtool(t, nil, "check", "rules", "alerts.yaml")
	promtool(t, nil, "test", "rules", "alerts_test.yaml")
	for _, file := range []string{"prometheus/alerts.yaml", "grafana/pumpd.json"} {
		text, err := os.ReadFile(filepath.Join(repository, "contrib", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`pumpd_\w+`).FindAll(text, -1) {
			const ofTLS = "pumpd_certificate_expiry_timestamp_seconds"
			if !bytes.Contains(metrics, append([]byte("\n"), name...)) && string(name) != ofTLS {
				t.Errorf("contrib/%s asks for %s, which is no metric", file, name)
			}
		}
	}
}
