//go:build players

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A prometheus is a real one that scrapes one pump every second and has contrib's rules.
type prometheus struct{ addr string }

func startPrometheus(t *testing.T, pump string) *prometheus {
	t.Helper()
	needProgram(t, "prometheus", "prometheus")
	rules, err := filepath.Abs(filepath.Join(repository, "contrib", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p := &prometheus{addr: freePort(t)}
	config := writeConfig(t, fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: pumpd, static_configs: [{targets: [%q]}]}]
`, rules, pump))
	background(t, "Prometheus", exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address="+p.addr))
	return p
}

// ask reads the data of an answer of Prometheus' API.
func (p *prometheus) ask(path string, data any) error {
	answer, err := http.Get("http://" + p.addr + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var found struct {
		Error string
		Data  json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil {
		return err
	}
	if found.Error != "" {
		return errors.New(found.Error)
	}
	return json.Unmarshal(found.Data, data)
}

// values are what an expression has now, without those that are no numbers.
func (p *prometheus) values(expr string) (list []string, err error) {
	var data struct{ Result []struct{ Value [2]any } }
	err = p.ask("/api/v1/query?query="+url.QueryEscape(expr), &data)
	for _, r := range data.Result {
		if v := fmt.Sprint(r.Value[1]); v != "NaN" {
			list = append(list, v)
		}
	}
	return list, err
}

// queries are those of the dashboard by panel, with what Grafana puts in for its variables.
func queries(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "contrib", "grafana", "pumpd.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$instance", ".*", "$__rate_interval", "10s")
	all := map[string]string{}
	for _, p := range dashboard.Panels {
		for _, q := range p.Targets {
			all[variables.Replace(q.Expr)] = p.Title
		}
	}
	if len(all) == 0 {
		t.Fatal("the dashboard asks for nothing")
	}
	return all
}

// perScrape is how often poll looks between two scrapes.
const perScrape = 50

// Every query of the dashboard has an answer, and every rule can be evaluated, by a real Prometheus that scrapes a pump
// where viewers come and go.
func TestDashboard(t *testing.T) {
	t.Parallel()
	left := queries(t)
	m := startMortal(t, "", fileStream("demo", ""))
	waitLive(t, m.addr, streamPath("demo"))
	p := startPrometheus(t, m.admin)
	watch(t, m.addr, "demo", agentOld) // to the end
	var last error
	looks := 0
	answered := func() bool {
		if looks%perScrape == 0 {
			watch(t, m.addr, "demo", agentOld).conn.Close()
			if _, conn, _, err := get(m.addr, streamPath("none"), agentOld, ""); err == nil { // 404
				conn.Close()
			}
		}
		looks++
		for expr := range left {
			values, err := p.values(expr)
			if err != nil {
				last = fmt.Errorf("%s: %w", expr, err)
			}
			if len(values) > 0 {
				delete(left, expr)
			}
		}
		return len(left) == 0
	}
	if !poll(2*patience, answered) {
		for expr, panel := range left {
			t.Errorf("panel %q stays empty: %s", panel, expr)
		}
		t.Log(last)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	evaluated := func() bool {
		last = p.ask("/api/v1/rules", &rules)
		if last != nil || len(rules.Groups) == 0 {
			return false
		}
		for _, r := range rules.Groups[0].Rules {
			if last = fmt.Errorf("%s: %s, %s", r.Name, r.Health, r.LastError); r.Health != "ok" {
				return false
			}
		}
		return true
	}
	if !poll(patience, evaluated) {
		t.Errorf("rules: %v", last)
	}
}
