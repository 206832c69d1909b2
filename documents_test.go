package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runners are who else may run a command besides tests and files: docs/commands.tsv says what each means.
var runners = []string{"by hand", "measured", "nobody"}

// readRunners reads docs/commands.tsv: who runs a command, by document and command.
func readRunners(t *testing.T) map[[2]string]string {
	text, err := os.ReadFile("docs/commands.tsv")
	if err != nil {
		t.Fatal(err)
	}
	list := map[[2]string]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(strings.TrimSpace(line), "\t")
		if len(column) != 3 {
			t.Fatalf("docs/commands.tsv: %q, want three columns", line)
		}
		list[[2]string{column[1], column[2]}] = column[0]
	}
	return list
}

// commands are those of a document: lines of its blocks of sh, and what follows a prompt in those of console.
func commands(document string) (list []string) {
	kind := ""
	document = strings.ReplaceAll(document, "\\\n", "")
	for line := range strings.Lines(document) {
		line = strings.TrimSpace(line)
		if rest, fence := strings.CutPrefix(line, "```"); fence {
			kind = rest
			continue
		}
		line, _, _ = strings.Cut(line, " # ")
		line = strings.Join(strings.Fields(line), " ")
		prompted, prompt := strings.CutPrefix(line, "$ ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case kind == "sh":
			list = append(list, line)
		case kind == "console" && prompt:
			list = append(list, prompted)
		}
	}
	return list
}

// Every command of the documents was run, and who runs it is still there.
func TestDocumentsCommands(t *testing.T) {
	documents, err := filepath.Glob("docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("%v, %v", documents, err)
	}
	ranBy := readRunners(t)
	left := maps.Clone(ranBy)
	for _, name := range append(documents, "README.md", "CONTRIBUTING.md", "SECURITY.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands(string(text)) {
			key := [2]string{filepath.ToSlash(name), command}
			if _, ok := ranBy[key]; !ok {
				t.Errorf("%s: %q is not in docs/commands.tsv: who has run it?", name, command)
			}
			delete(left, key)
		}
	}
	for key := range left {
		t.Errorf("docs/commands.tsv: %q, which the document does not have any more", key)
	}
	tests := testNames(t)
	for key, by := range ranBy {
		switch {
		case slices.Contains(runners, by):
		case strings.HasPrefix(by, "Test"):
			if !slices.Contains(tests, by) {
				t.Errorf("%q: there is no %s", key, by)
			}
		default:
			text, err := os.ReadFile(by)
			if err != nil || !strings.Contains(string(text), key[1]) {
				t.Errorf("%q: not in %s, %v", key, by, err)
			}
		}
	}
}

// testNames are the names of all tests.
func testNames(t *testing.T) (list []string) {
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if name == ".git" && entry.IsDir() { // where git may be at work
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range function.FindAllSubmatch(text, -1) {
			list = append(list, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
