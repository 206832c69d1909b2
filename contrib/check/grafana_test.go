package check

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// strictly decodes JSON into a type of Grafana's that must know every field of it.
func strictly(t *testing.T, what string, text []byte, to interface{ UnmarshalJSONStrict([]byte) error }) {
	t.Helper()
	err := to.UnmarshalJSONStrict(text)
	if list, ok := errors.AsType[cog.BuildErrors](err); ok && len(list) == 0 {
		return // the way in which the SDK says that all is well
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// The dashboard is one by Grafana's own types, with nothing in it that Grafana does not know, and all its queries are for
// Prometheus.
func TestGrafana(t *testing.T) {
	text, err := os.ReadFile("../grafana/pumpd.json")
	if err != nil {
		t.Fatal(err)
	}
	strictly(t, "dashboard", text, new(dashboard.Dashboard))
	// What is wrong further down the SDK does not tell.
	var parts struct {
		Panels []struct {
			Title       string
			FieldConfig json.RawMessage
			Targets     []json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &parts); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts.Panels {
		var fields dashboard.FieldConfigSource
		strictly(t, p.Title, p.FieldConfig, &fields)
		if len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			var q prometheus.Dataquery
			if strictly(t, p.Title, target, &q); q.Expr == "" || q.RefId == nil {
				t.Errorf("panel %q: %s, want expr and refId", p.Title, target)
			}
		}
	}
	if len(parts.Panels) == 0 {
		t.Error("there are no panels")
	}
}
