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

// An arrow is what the Go files of one directory may import besides the standard library. Every directory with Go files
// has one, so that a new package is a decision. Arrows point down: what a directory may import stands below it in the
// table. What the table allows and nobody uses is an error too: the table is the map.
//
//	main.go ──> server ──> …, which ARCHITECTURE.md draws ──> asf, codec
//	bench ──> compare ──> peers ──> push, upstream ──> source ──> probe, asf
//	         attack   ──> load ──> viewers ──> check ──> probe, asf
//	                      floor, link
type arrow struct {
	// dir is a directory, "." the root. "tests/..." is tests and all below it, each of which may import the others.
	dir string
	// may lists directories of this module, "x/..." for x and all below it, and * for other modules.
	may []string
	// tests lists what its tests may import besides.
	tests []string
	// Only these files may import gnet, and tests.
	gnet []string
}

var arrows = []arrow{
	{dir: "tests/...", may: []string{"asf", "*"}},

	// Tools for packing, which know nothing of the program's insides.
	{dir: "contrib/manual"},
	{dir: "contrib/sbom"},
	{dir: "contrib/check", tests: []string{"*"}}, // a module of its own

	{dir: ".", may: []string{
		"server", "server/access", "server/config", "server/control", "server/doctor", "server/handover", "server/logging",
		"server/privileges",
	}},
	{
		dir: "server", may: []string{
			"server/access", "server/accesslog", "server/admin", "server/admission",
			"server/auth", "server/bans", "server/clock", "server/config", "server/fanout", "server/forward",
			"server/handover", "server/line",
			"server/logging", "server/play", "server/privileges",
			"server/proxied", "server/pull", "server/pulse", "server/quota", "server/reason", "server/standstill",
			"server/stream", "server/systemd", "server/tally", "server/upstream", "server/via", "server/view", "asf", "codec",
			"*",
		},
		tests: []string{"server/gobtest", "server/logging/logtest", "server/stream/streamtest", "asf/asftest"},
		gnet:  []string{"reactor.go", "gnetwire.go", "listen.go"},
	},
	{
		dir: "server/doctor", may: []string{
			"server/auth", "server/config", "server/forward", "server/upstream", "server/via", "asf", "codec", "*",
		},
		tests: []string{"asf/asftest"},
	},
	{
		dir: "server/admin", may: []string{
			"server/admission", "server/auth", "server/bans", "server/clock", "server/config", "server/line", "server/reason",
			"server/stream", "server/tally", "server/upstream", "server/view", "asf", "*",
		},
		tests: []string{"asf/asftest"},
	},
	{
		dir: "server/pull", may: []string{
			"server/clock", "server/config", "server/outage", "server/pulse", "server/standstill", "server/stream",
			"server/upstream", "server/via", "server/view", "asf",
		},
		tests: []string{
			"server/auth", "server/logging/logtest", "server/play", "server/stream/streamtest", "server/upstream/upstreamtest",
			"asf/asftest", "codec",
		},
	},
	{
		dir: "server/forward", may: []string{
			"server/clock", "server/config", "server/outage", "server/standstill", "server/stream", "server/upstream",
			"server/via", "server/view", "codec",
		},
		tests: []string{"server/gobtest", "server/logging/logtest", "server/stream/streamtest", "asf", "asf/asftest"},
	},
	{
		dir: "server/play", may: []string{
			"server/clock", "server/config", "server/standstill", "server/stream", "server/view", "asf",
		},
		tests: []string{"server/stream/streamtest", "asf/asftest"},
	},
	{
		dir: "server/fanout", may: []string{
			"server/clock", "server/config", "server/line", "server/reason", "server/stream", "server/tally",
			"server/uring", "server/via",
			"asf", "codec", "*",
		},
		tests: []string{"server/gobtest", "asf/asftest"},
	},
	{dir: "server/access", may: []string{"server/auth", "server/config"}, tests: []string{"server/gobtest"}},
	{dir: "server/line", may: []string{"server/clock"}, tests: []string{"server/gobtest"}},
	{dir: "server/stream/streamtest", may: []string{"server/clock", "server/config", "server/stream"}},
	{
		dir: "server/stream", may: []string{
			"server/clock", "server/config", "server/reason", "server/tally", "server/view", "asf", "codec",
		},
		tests: []string{"server/gobtest", "asf/asftest"},
	},
	{dir: "server/outage", may: []string{
		"server/auth", "server/clock", "server/upstream", "server/via", "server/view",
	}},
	{
		dir: "server/admission", may: []string{"server/clock", "server/config", "server/tally"},
		tests: []string{"server/gobtest"},
	},
	{dir: "server/view", may: []string{"server/clock", "server/config"}},
	{dir: "server/quota", may: []string{"server/config", "*"}, tests: []string{"server/logging/logtest"}},
	{dir: "server/config", may: []string{"server/auth", "server/privileges", "server/upstream", "*"}},
	{
		dir: "server/upstream", may: []string{"server/auth", "server/via", "asf", "codec", "*"},
		tests: []string{"server/upstream/upstreamtest", "asf/asftest"},
	},
	{dir: "server/upstream/upstreamtest", may: []string{"asf/asftest", "codec"}},
	{dir: "server/proxied", may: []string{"server/auth", "codec"}},
	{dir: "server/bans"},
	{dir: "server/auth", may: []string{"server/clock", "codec", "*"}, tests: []string{"server/gobtest"}},
	{dir: "server/pulse", may: []string{"server/clock"}},
	{dir: "server/control", may: []string{"*"}},
	{dir: "server/handover", may: []string{"server/clock", "*"}},
	{dir: "server/systemd", may: []string{"server/clock"}},
	// What all of the server stands on.
	{dir: "server/gobtest"},
	{dir: "server/clock", may: []string{"*"}},
	{dir: "server/accesslog", may: []string{"*"}, tests: []string{"server/logging/logtest"}},
	{dir: "server/logging"},
	{dir: "server/privileges", may: []string{"*"}},
	{dir: "server/logging/logtest"},
	{dir: "server/reason"},
	{dir: "server/standstill"},
	{dir: "server/tally"},
	{dir: "server/uring", may: []string{"*"}},
	{dir: "server/via", may: []string{"codec"}},

	// The command line, and what each command is.
	{dir: "bench", may: []string{
		"bench/attack", "bench/compare", "bench/floor", "bench/link", "bench/load", "bench/machine", "bench/peers",
		"bench/push", "bench/quantity", "bench/source", "bench/upstream",
	}},
	{dir: "bench/compare", may: []string{
		"bench/floor", "bench/load", "bench/machine", "bench/peers", "bench/quantity", "bench/source", "*",
	}},
	{
		dir: "bench/attack", may: []string{
			"bench/latency", "bench/load", "bench/machine", "bench/peers", "bench/scheme", "bench/sock", "bench/source",
			"bench/viewers", "codec", "*",
		},
		tests: []string{"bench/upstream"},
	},
	{dir: "bench/peers", may: []string{"bench/push", "bench/source", "bench/upstream", "*"}},
	{dir: "bench/floor", may: []string{"bench/machine", "bench/sock", "codec", "*"}},
	{dir: "bench/link", may: []string{"bench/quantity", "*"}},
	{
		dir: "bench/load", may: []string{"bench/latency", "bench/machine", "bench/sock", "bench/viewers"},
		tests: []string{"bench/source", "bench/upstream", "codec"},
	},
	// Those who watch and those who feed.
	{dir: "bench/viewers", may: []string{
		"bench/check", "bench/latency", "bench/scheme", "bench/sock", "codec", "*",
	}},
	{dir: "bench/push", may: []string{"bench/scheme", "bench/source", "asf", "codec"}, tests: []string{"bench/probe"}},
	{dir: "bench/upstream", may: []string{"bench/source", "asf", "codec"}, tests: []string{"bench/check"}},
	{dir: "bench/check", may: []string{"bench/probe", "asf"}, tests: []string{"bench/source", "codec"}},
	{dir: "bench/source", may: []string{"bench/probe", "asf"}},
	// What all of them stand on.
	{dir: "bench/latency"},
	{dir: "bench/machine", may: []string{"*"}},
	{dir: "bench/probe"},
	{dir: "bench/quantity"},
	{dir: "bench/scheme"},
	{dir: "bench/sock", may: []string{"*"}},

	{dir: "asf"},
	{dir: "asf/asftest"},
	{dir: "codec"},
}

func TestLayout(t *testing.T) {
	files := map[string]int{}            // of each arrow, by its dir
	used := map[string]map[string]bool{} // patterns of may, by the arrow's dir
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if name == ".git" && entry.IsDir() { // where git may be at work
			return fs.SkipDir
		}
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
	for i, a := range arrows {
		if files[a.dir] == 0 {
			t.Errorf("%s: no Go files", a.dir)
		}
		for _, m := range slices.Concat(a.may, a.tests) {
			if !used[a.dir][m] {
				t.Errorf("%s may import %s and does not: the arrow can go", a.dir, m)
			}
			if m != "*" && !slices.ContainsFunc(arrows[i+1:], func(b arrow) bool { return within(b.dir, m) }) {
				t.Errorf("%s may import %s, which does not stand below it: arrows point down", a.dir, m)
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

// allows finds what in a.may or a.tests lets a file import name, "" for what needs no leave. problem says why it must
// not, or "".
func (a *arrow) allows(file, name string) (by, problem string) {
	first, _, _ := strings.Cut(name, "/")
	dir, ours := strings.CutPrefix(name, module+"/")
	ours = ours || name == module
	if !ours && !strings.Contains(first, ".") {
		return "", "" // the standard library
	}
	test := strings.HasSuffix(file, "_test.go")
	isGnet := within(name, gnet+"/...")
	if isGnet && !slices.Contains(a.gnet, file) && (a.gnet == nil || !test) {
		return "", "only the reactor and its tests may know gnet"
	}
	if ours && within(dir, a.dir) {
		return "", "" // itself, from an external test or, with "...", from a neighbour
	}
	may := a.may
	if test {
		may = slices.Concat(a.may, a.tests)
	}
	for _, m := range may {
		if ours && within(dir, m) || !ours && m == "*" {
			return m, ""
		}
	}
	return "", "allowed besides the standard library: " + strings.Join(may, ", ")
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
		{"server/loop.go", "pumpd/asf", true},
		{"server/loop.go", "pumpd/bench", false},
		{"server/loop.go", "pumpd/server/sub", false},
		{"server/server.go", gnet, false},
		{"server/reactor.go", gnet + "/pkg/logging", true},
		{"server/gnet_test.go", gnet, true},
		{"server/loop.go", gnet, false},
		{"server/loop.go", gnet + "/pkg/logging", false},
		{"bench/main.go", "pumpd/bench/load", true},
		{"bench/main.go", "pumpd/bench/viewers", false},
		{"bench/main.go", "pumpd/server", false},
		{"bench/main_test.go", "pumpd/server", false},
		{"bench/main.go", gnet, false},
		{"bench/viewers/worker.go", "pumpd/bench/check", true},
		{"bench/viewers/worker.go", "pumpd/bench/load", false},
		{"bench/viewers/worker.go", "pumpd/server", false},
		{"bench/check/check.go", "pumpd/codec", false},
		{"bench/check/check_test.go", "pumpd/codec", true},
		{"bench/check/check_test.go", "pumpd/server", false},
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
	for _, dir := range []string{"util", "server/util", "asf/util", "bench/util"} {
		if arrowOf(dir) != nil {
			t.Errorf("%s has an arrow: a new package would be no decision", dir)
		}
	}
}
