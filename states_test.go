package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// The tables of docs/states.md, and the one of docs/upgrade.md, have the values of the enums that their headings name,
// in the code's order.
func TestStates(t *testing.T) {
	text, err := os.ReadFile("docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	upgrade, err := os.ReadFile("docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	_, stages, _ := strings.Cut(string(upgrade), "\n## The stages")
	text = append(text, "\n## The stages"+stages...)
	heading := regexp.MustCompile("^[^\n]*\\(`(\\w+)`, ([\\w/.]+)\\)\n")
	row := regexp.MustCompile("(?m)^\\| `(\\w+)`")
	var found []string
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		m := heading.FindStringSubmatch(section)
		if m == nil {
			t.Errorf("no enum in the heading of %.40q", section)
			continue
		}
		var rows []string
		for _, r := range row.FindAllStringSubmatch(section, -1) {
			rows = append(rows, r[1])
		}
		if want := enum(t, m[2], m[1]); !slices.Equal(rows, want) {
			t.Errorf("%s: rows %q, the code has %q", m[1], rows, want)
		}
		found = append(found, m[1])
	}
	files, _ := filepath.Glob("server/*.go")
	below, _ := filepath.Glob("server/*/*.go")
	for _, file := range append(files, below...) {
		for name := range types(t, file) {
			if strings.HasSuffix(name, "State") && !slices.Contains(found, name) {
				t.Errorf("docs/states.md has no section for %s of %s", name, file)
			}
		}
	}
}

// enum gives the constants of a type, without what they have in common: UpstreamIdle of UpstreamState is idle.
func enum(t *testing.T, file, name string) (values []string) {
	t.Helper()
	prefix := strings.TrimSuffix(strings.TrimSuffix(name, "State"), "Kind")
	for _, value := range types(t, file)[name] {
		short := strings.TrimPrefix(value, prefix)
		if first, n := utf8.DecodeRuneInString(short); unicode.IsUpper(first) {
			value = string(unicode.ToLower(first)) + short[n:]
		}
		values = append(values, value)
	}
	return values
}

// types are the types of a file that are integers, with their constants in one const block that begins with the type.
func types(t *testing.T, file string) map[string][]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		of := ""
		for _, s := range g.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if under, ok := s.Type.(*ast.Ident); ok && (under.Name == "uint8" || under.Name == "int32") {
					found[s.Name.Name] = nil
				}
			case *ast.ValueSpec:
				if kind, ok := s.Type.(*ast.Ident); ok {
					of = kind.Name
				}
				if _, known := found[of]; known && g.Tok == token.CONST {
					found[of] = append(found[of], s.Names[0].Name)
				}
			}
		}
	}
	return found
}
