package peers

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every config template must fill; what is left out would show as "<no value>".
func TestPeerConfigs(t *testing.T) {
	for _, p := range []*Peer{Pumpd("pumpd", []string{`merge = "100ms"`}), Cubemap(), Icecast()} {
		at, err := p.prepare()
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(at.Dir)
		name, err := p.writeConfig(at)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), "<no value>") || !strings.Contains(string(b), fmt.Sprint(at.Port)) {
			t.Errorf("%s: %v\n%s", p.Name, err, b)
		}
	}
}

func TestMissingPeer(t *testing.T) {
	p := &Peer{Name: "none", binary: "no-such-server"}
	if _, err := p.Start(); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("got %v", err)
	}
}
