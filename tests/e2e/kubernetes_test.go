package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

func kubernetesFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "contrib/kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The configurations for Kubernetes are good ones, and both probes are answered as a kubelet asks: by an address of the
// pod's that the pump does not know.
func TestKubernetesPumps(t *testing.T) {
	t.Setenv("ENCODER_SECRET", "0123456789abcdef0123456789abcdef")
	ours := regexp.MustCompile(`(?m)^(\[server\]|listen = .*|admin = .*)\n`) // which a mortal has already
	for _, name := range []string{"origin.toml", "edge.toml"} {
		text := kubernetesFile(t, name)
		if code, output := run(t, "-t", "-c", filepath.Join(repository, "contrib/kubernetes", name)); code != 0 {
			t.Errorf("%s: exit %d: %s", name, code, output)
		}
		m := startMortal(t, "", ours.ReplaceAllString(text, ""))
		for _, path := range []string{"/healthz", "/readyz"} {
			request, err := http.NewRequest("GET", "http://"+m.admin+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = "10.1.2.3:8087"
			request.Header.Set("User-Agent", "kube-probe/1.32")
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%s, %s: %s, want 200", name, path, answer.Status)
			}
		}
	}
}

// A pod is not killed in the middle of its drain.
func TestKubernetesGrace(t *testing.T) {
	pod, config := kubernetesFile(t, "edge.yaml"), kubernetesFile(t, "edge.toml")
	find := func(text, pattern string) time.Duration {
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s", pattern)
		}
		seconds, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(seconds) * time.Second
	}
	grace := find(pod, `terminationGracePeriodSeconds: (\d+)`)
	needs := find(pod, `sleep: \{seconds: (\d+)\}`) + find(config, `drain = "(\d+)s"`) + stopLimit
	if grace < needs {
		t.Errorf("terminationGracePeriodSeconds is %v, want at least %v", grace, needs)
	}
}
