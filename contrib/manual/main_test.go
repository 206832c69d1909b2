package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// docs/reference.md says what the example says today.
func TestReference(t *testing.T) {
	if reference(parse(read(t, "../../pump.toml.example"))) != read(t, "../../docs/reference.md") {
		t.Error("docs/reference.md is old: make reference")
	}
}

// Everything that stands in the example stands in both forms, and man finds no fault.
func TestForms(t *testing.T) {
	example := read(t, "../../pump.toml.example")
	list := parse(example)
	text, man := reference(list), manPage(list)
	for line := range strings.Lines(example) {
		line = strings.TrimSpace(strings.TrimLeft(line, "# "))
		if line != "" && !strings.Contains(text, line) {
			t.Errorf("reference has no %q", line)
		}
		if line != "" && !strings.Contains(man, strings.TrimPrefix(roff(line), `\&`)) {
			t.Errorf("man page has no %q", line)
		}
	}
	groff(t, "pump.toml.5", man)
	groff(t, "pumpd.8", read(t, "pumpd.8"))
}

// groff wants a man page without warnings.
func groff(t *testing.T, name, page string) {
	t.Helper()
	if _, err := exec.LookPath("groff"); err != nil {
		t.Logf("%s: NOT CHECKED, groff is not installed", name)
		return
	}
	cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

func TestParse(t *testing.T) {
	list := parse("# Of all.\n\n[server]\n# Two\n# lines.\nkey = 1\n#off = 2\n# Other.\nlast = 3\n#[table]\n")
	want := []item{
		{lines: []string{"Of all."}},
		{table: "[server]"},
		{keys: []string{"key = 1", "off = 2"}, lines: []string{"Two", "lines."}},
		{keys: []string{"last = 3"}, lines: []string{"Other."}},
		{table: "[table]"},
	}
	if len(list) != len(want) {
		t.Fatalf("%+v", list)
	}
	for i := range want {
		if reference(list[i:i+1]) != reference(want[i:i+1]) {
			t.Errorf("%d: %+v, want %+v", i, list[i], want[i])
		}
	}
}
