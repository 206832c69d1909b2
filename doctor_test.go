package main

import (
	"strings"
	"testing"
	"time"

	"pumpd/server/config"
)

// The doctor plays streams of the pump's own configuration by URLs as viewers have them, and others as they are given.
func TestDoctorSignsItsOwn(t *testing.T) {
	cfg, err := config.Parse([]byte("[[streams]]\npath = \"open\"\ntype = \"file\"\n"+
		"[[streams]]\npath = \"signed\"\ntype = \"file\"\nview_keys = [\"0123456789abcdef\"]\n"), "pump.toml")
	if err != nil {
		t.Fatal(err)
	}
	const open, signed = "mmsh://localhost:8086/streams/open", "mmsh://localhost:8086/streams/signed"
	if got := asViewers(cfg, open, time.Minute); got != open {
		t.Errorf("%s, want %s", got, open)
	}
	if got := asViewers(nil, signed, time.Minute); got != signed {
		t.Errorf("%s, want %s", got, signed)
	}
	if got := asViewers(cfg, signed, time.Minute); !strings.HasPrefix(got, signed+"?e=") || !strings.Contains(got, "&s=") {
		t.Errorf("%s, want it signed", got)
	}
}
