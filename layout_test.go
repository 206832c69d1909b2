package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "pumpd"
	gnet   = "github.com/panjf2000/gnet/v2"
)

// An arrow is what the Go files of one directory, tests among them, may import besides the standard library. Every
// directory with Go files has one, so that a new package is a decision. What the table allows and nobody uses is an
// error too: the table is the map.
//
//	main.go ──> server ──> asf, codec        bench ──> asf, codec
type arrow struct {
	// dir is a directory, "." the root. "tests/..." is tests and all below it, each of which may import the others.
	dir string
	// may lists directories of this module, "x/..." for x and all below it, and * for other modules.
	may []string
	// Only these files may import gnet, and tests.
	gnet []string
}

var arrows = []arrow{
	{dir: ".", may: []string{"server"}},
	{dir: "asf"},
	{dir: "codec"},
	{dir: "server", may: []string{"asf", "codec", "*"}, gnet: []string{"server.go", "reactor.go"}},
	{dir: "bench", may: []string{"asf", "codec", "*"}},
	{dir: "tests/...", may: []string{"asf", "*"}},
}

func TestLayout(t *testing.T) {
	files := map[string]int{}            // of each arrow, by its dir
	used := map[string]map[string]bool{} // patterns of may, by the arrow's dir
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || entry.IsDir() {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		a := arrowOf(path.Dir(name))
		if a == nil {
			t.Errorf("%s: no arrow says what %s may import", name, path.Dir(name))
			return nil
		}
		files[a.dir]++
		if used[a.dir] == nil {
			used[a.dir] = map[string]bool{}
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			by, problem := a.allows(path.Base(name), imported)
			used[a.dir][by] = true
			if problem != "" {
				t.Errorf("%s imports %s: %s", name, imported, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range arrows {
		if files[a.dir] == 0 {
			t.Errorf("%s: no Go files", a.dir)
		}
		for _, m := range a.may {
			if !used[a.dir][m] {
				t.Errorf("%s may import %s and does not: the arrow can go", a.dir, m)
			}
		}
	}
}

// arrowOf is the arrow of a directory, nil if there is none.
func arrowOf(dir string) *arrow {
	i := slices.IndexFunc(arrows, func(a arrow) bool { return within(dir, a.dir) })
	if i < 0 {
		return nil
	}
	return &arrows[i]
}

// allows finds what in a.may lets a file import name, "" for what needs no leave. problem says why it must not, or "".
func (a *arrow) allows(file, name string) (by, problem string) {
	first, _, _ := strings.Cut(name, "/")
	dir, ours := strings.CutPrefix(name, module+"/")
	ours = ours || name == module
	if !ours && !strings.Contains(first, ".") {
		return "", "" // the standard library
	}
	isGnet := within(name, gnet+"/...")
	if isGnet && !slices.Contains(a.gnet, file) && (a.gnet == nil || !strings.HasSuffix(file, "_test.go")) {
		return "", "only the reactor and its tests may know gnet"
	}
	if ours && within(dir, a.dir) {
		return "", "" // itself, from an external test or, with "...", from a neighbour
	}
	for _, m := range a.may {
		if ours && within(dir, m) || !ours && m == "*" {
			return m, ""
		}
	}
	return "", "allowed besides the standard library: " + strings.Join(a.may, ", ")
}

// within says whether a pattern, which may end in "/...", names dir.
func within(dir, pattern string) bool {
	root, all := strings.CutSuffix(pattern, "/...")
	return dir == root || all && strings.HasPrefix(dir, root+"/")
}

// The rule of the layout is worth nothing if it allows everything.
func TestLayoutRule(t *testing.T) {
	const toml = "github.com/BurntSushi/toml"
	for _, c := range []struct {
		path, name string
		ok         bool
	}{
		{"main.go", "os", true},
		{"main.go", "pumpd/server", true},
		{"main.go", "pumpd/asf", false},
		{"main.go", "pumpd/server/sub", false},
		{"main.go", gnet, false},
		{"asf/header.go", "encoding/binary", true},
		{"asf/header.go", "pumpd/codec", false},
		{"asf/header.go", toml, false},
		{"asf/example_test.go", "pumpd/asf", true},
		{"codec/frame.go", "net/http", true},
		{"codec/frame.go", "pumpd/asf", false},
		{"codec/frame_test.go", "pumpd/asf", false},
		{"server/config.go", toml, true},
		{"server/stream.go", "pumpd/asf", true},
		{"server/stream.go", "pumpd/bench", false},
		{"server/stream.go", "pumpd/server/sub", false},
		{"server/server.go", gnet, true},
		{"server/reactor.go", gnet + "/pkg/logging", true},
		{"server/gnet_test.go", gnet, true},
		{"server/loop.go", gnet, false},
		{"server/loop.go", gnet + "/pkg/logging", false},
		{"bench/main.go", "pumpd/codec", true},
		{"bench/main.go", "pumpd/server", false},
		{"bench/main_test.go", "pumpd/server", false},
		{"bench/main.go", gnet, false},
		{"tests/e2e/play_test.go", "pumpd/tests/e2e/sub", true},
		{"tests/e2e/play_test.go", gnet, false},
	} {
		a := arrowOf(path.Dir(c.path))
		if a == nil {
			t.Fatalf("%s: no arrow", c.path)
		}
		if _, problem := a.allows(path.Base(c.path), c.name); (problem == "") != c.ok {
			t.Errorf("%s imports %s: got %q, want allowed: %v", c.path, c.name, problem, c.ok)
		}
	}
	for _, dir := range []string{"util", "server/util", "asf/util"} {
		if arrowOf(dir) != nil {
			t.Errorf("%s has an arrow: a new package would be no decision", dir)
		}
	}
}
