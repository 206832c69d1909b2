package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A mention is a declaration that ARCHITECTURE.md names: a function, a method or a type. Without a name it is a file.
type mention struct {
	file, name string
	at, end    int // in the text
}

func (p mention) dir() string { return path.Dir(p.file) }

var mentioned = regexp.MustCompile("`([\\w/]+\\.go|):([\\w.]+)`|`([\\w/]+\\.go)`")

// mentions finds them in a text. Paths count from server, unless the file is not there; none is the file before.
func mentions(text string) (list []mention) {
	for _, m := range mentioned.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string { return text[max(0, m[2*i]):max(0, m[2*i+1])] }
		p := mention{name: part(2), at: m[0], end: m[1]}
		switch file := part(1) + part(3); {
		case file != "" && present(path.Join("server", file)):
			p.file = path.Join("server", file)
		case file != "":
			p.file = file
		case len(list) > 0:
			p.file = list[len(list)-1].file
		}
		list = append(list, p)
	}
	return list
}

func present(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func architecture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What ARCHITECTURE.md names is there.
func TestArchitectureNames(t *testing.T) {
	known := map[string]map[string]bool{}
	for _, p := range mentions(architecture(t)) {
		if known[p.file] == nil {
			known[p.file] = declared(t, p.file)
		}
		if p.name != "" && !known[p.file][p.name] {
			t.Errorf("ARCHITECTURE.md: no %s in %s", p.name, p.file)
		}
	}
	if len(known) < 20 {
		t.Errorf("%d files are named, where are the trips?", len(known))
	}
}

// declared are the functions, the methods as Type.method, and the types of a file.
func declared(t *testing.T, file string) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("ARCHITECTURE.md: %v", err)
		return map[string]bool{}
	}
	names := map[string]bool{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[receiver(d)+d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					names[s.Name.Name] = true
				}
			}
		}
	}
	return names
}

// receiver is "Type." of a method, "" of a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name + "."
	}
	return ""
}

// A trip goes down the arrows, or stays in its package, unless ⤴ says that it comes up.
func TestArchitectureTrips(t *testing.T) {
	_, trips, _ := strings.Cut(architecture(t), "\n## Six trips\n")
	trips, _, _ = strings.Cut(trips, "\n## ")
	steps := 0
	for paragraph := range strings.SplitSeq(trips, "\n\n") {
		var last mention
		for _, p := range mentions(paragraph) {
			marked := strings.Contains(paragraph[last.end:p.at], "⤴")
			switch down := reaches(last.dir(), p.dir()); {
			case last.file == "" || p.dir() == last.dir():
			case !marked && !down:
				t.Errorf("from %s of %s to %s of %s is no way down, and not marked as a way up", last.name, last.file,
					p.name, p.file)
			case marked && down:
				t.Errorf("from %s of %s to %s of %s is marked as a way up", last.name, last.file, p.name, p.file)
			}
			last, steps = p, steps+1
		}
	}
	if steps < 50 {
		t.Errorf("%d steps, where are the trips?", steps)
	}
}

// reaches says whether arrows lead from one directory to another, however many.
func reaches(from, to string) bool {
	a := arrowOf(from)
	if a == nil {
		return false
	}
	for _, m := range a.may {
		if within(to, m) || m != "*" && reaches(strings.TrimSuffix(m, "/..."), to) {
			return true
		}
	}
	return false
}

var (
	link     = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)
	fileName = regexp.MustCompile(`\b(?:asf|codec|server|bench|tests|docs)/[\w/]+\.\w+`)
)

// What the documents link to is there, and so are the files that they name.
func TestDocumentsNameFiles(t *testing.T) {
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range append(documents, "ARCHITECTURE.md", "CONTRIBUTING.md", "README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		names := fileName.FindAllString(string(text), -1)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			names = append(names, path.Join(path.Dir(document), m[1]))
		}
		for _, name := range names {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}
