package main

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	b := of(&debug.BuildInfo{
		GoVersion: "go1.26",
		Main:      debug.Module{Path: "pumpd", Version: "v1"},
		Deps: []*debug.Module{
			{Path: "a.example/x", Version: "v2"},
			{Path: "b.example/y", Version: "v3", Replace: &debug.Module{Path: "c.example/y", Version: "v4"}},
		},
	})
	want := []string{"pkg:golang/std@go1.26", "pkg:golang/a.example/x@v2", "pkg:golang/c.example/y@v4"}
	for i, w := range want {
		if len(b.Components) != len(want) || b.Components[i].URL != w {
			t.Fatalf("%+v, want %q", b.Components, want)
		}
	}
	if b.Metadata.Component.URL != "pkg:golang/pumpd@v1" || b.Metadata.Component.Type != "application" {
		t.Errorf("%+v", b.Metadata)
	}
}
