package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const gnet = "github.com/panjf2000/gnet/v2"

// An arrow is what the Go files of a directory and those below it may import besides the standard library and each
// other: packages of this module with what is below them, and * for other modules.
//
//	main.go ──> server ──> asf, codec        bench ──> asf, codec
type arrow struct {
	dir string // "." is the root alone
	may []string
	// Only these files may import gnet, and tests.
	gnet []string
}

var arrows = []arrow{
	{dir: ".", may: []string{"pumpd/server"}},
	{dir: "asf"},
	{dir: "codec"},
	{dir: "server", may: []string{"pumpd/asf", "pumpd/codec", "*"}, gnet: []string{"server.go", "reactor.go"}},
	{dir: "bench", may: []string{"pumpd/asf", "pumpd/codec", "*"}},
	{dir: "tests", may: []string{"pumpd", "*"}},
}

func TestLayout(t *testing.T) {
	seen := map[string]int{} // Go files of each arrow's directory
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || entry.IsDir() {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		dir, _, nested := strings.Cut(path, "/")
		if !nested {
			dir = "."
		}
		seen[dir]++
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if problem := refused(dir, path, name); problem != "" {
				t.Errorf("%s imports %s: %s", path, name, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "asf", "codec", "server", "bench"} {
		if seen[dir] == 0 {
			t.Errorf("%s: no Go files", dir)
		}
	}
}

// refused says why a file at path, below dir, may not import name, or "".
func refused(dir, path, name string) string {
	i := slices.IndexFunc(arrows, func(a arrow) bool { return a.dir == dir })
	if i < 0 {
		return "no arrow says what this directory may import"
	}
	first, _, _ := strings.Cut(name, "/")
	ours, others := first == "pumpd", strings.Contains(first, ".")
	switch a := arrows[i]; {
	case !ours && !others, below(name, "pumpd/"+dir):
		return ""
	case below(name, gnet):
		file := strings.TrimPrefix(path, dir+"/")
		if len(a.gnet) == 0 || !slices.Contains(a.gnet, file) && !strings.HasSuffix(file, "_test.go") {
			return "only server.go, reactor.go and tests of server may know gnet"
		}
	case others && slices.Contains(a.may, "*"):
	case !slices.ContainsFunc(a.may, func(m string) bool { return below(name, m) }):
		return "allowed besides the standard library: " + strings.Join(a.may, ", ")
	}
	return ""
}

func below(name, root string) bool { return name == root || strings.HasPrefix(name, root+"/") }

// The rule of the layout is worth nothing if it allows everything.
func TestLayoutRule(t *testing.T) {
	const toml = "github.com/BurntSushi/toml"
	for _, c := range []struct {
		dir, path, name string
		ok              bool
	}{
		{".", "main.go", "os", true},
		{".", "main.go", "pumpd/server", true},
		{".", "main.go", "pumpd/asf", false},
		{".", "main.go", gnet, false},
		{"asf", "asf/header.go", "encoding/binary", true},
		{"asf", "asf/header.go", "pumpd/codec", false},
		{"asf", "asf/header.go", toml, false},
		{"asf", "asf/example_test.go", "pumpd/asf", true},
		{"codec", "codec/frame.go", "net/http", true},
		{"codec", "codec/frame.go", "pumpd/asf", false},
		{"codec", "codec/frame_test.go", "pumpd/asf", false},
		{"server", "server/config.go", toml, true},
		{"server", "server/stream.go", "pumpd/asf", true},
		{"server", "server/stream.go", "pumpd/bench", false},
		{"server", "server/server.go", gnet, true},
		{"server", "server/reactor.go", gnet + "/pkg/logging", true},
		{"server", "server/gnet_test.go", gnet, true},
		{"server", "server/loop.go", gnet, false},
		{"server", "server/sub/server.go", gnet, false},
		{"server", "server/loop.go", gnet + "/pkg/logging", false},
		{"bench", "bench/viewers.go", "pumpd/codec", true},
		{"bench", "bench/viewers.go", "pumpd/bench/sub", true},
		{"bench", "bench/viewers.go", "pumpd/server", false},
		{"bench", "bench/viewers_test.go", "pumpd/server", false},
		{"bench", "bench/sub/viewers.go", "pumpd/server", false},
		{"bench", "bench/viewers.go", gnet, false},
		{"tests", "tests/e2e/play_test.go", "pumpd/server", true},
		{"tests", "tests/e2e/play_test.go", gnet, false},
		{"util", "util/util.go", "pumpd/asf", false},
	} {
		if problem := refused(c.dir, c.path, c.name); (problem == "") != c.ok {
			t.Errorf("%s imports %s: got %q, want allowed: %v", c.path, c.name, problem, c.ok)
		}
	}
}
