package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	source "go/printer"
	"go/token"
	evaluator "go/types"
	"os"
	"regexp"
	"strings"
	"testing"
)

// What SECURITY.md says is bounded is, by what it names, numbers are those of the code, and there is a test for each.
func TestSecurityLimits(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## What is bounded, and by what\n")
	table, _, _ = strings.Cut(table, "\n## ")
	const name = "`([\\w/]+\\.go):([\\w.]+)`"
	row := regexp.MustCompile(`(?m)^\| (.*) \| (.*) \| ` + name + ` \| .* \| ` + name + ` \|$`)
	rows := row.FindAllStringSubmatch(table, -1)
	for _, r := range rows {
		what, limit, file, name := r[1], r[2], r[3], r[4]
		value, isConst := constantOf(t, file, name)
		switch {
		case !isConst && !declared(t, file)[name]:
			t.Errorf("%s: no %s in %s", what, name, file)
		case isConst && value != "" && !strings.Contains(limit, value):
			t.Errorf("%s: limit %q, and %s is %s", what, limit, name, value)
		}
		if test, name := r[5], r[6]; !declared(t, test)[name] {
			t.Errorf("%s: no %s in %s", what, name, test)
		}
	}
	if lines := strings.Count(table, "\n|"); len(rows) < 45 || len(rows) != lines-2 {
		t.Errorf("%d of %d rows are of the form that can be checked", len(rows), lines-2)
	}
}

// constantOf is a constant of a file as people write it, "" for one that is not only numbers.
func constantOf(t *testing.T, file, name string) (value string, ok bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("SECURITY.md: %v", err)
		return "", false
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is {
			return true
		}
		for i, id := range spec.Names {
			if id.Name == name && i < len(spec.Values) {
				value, ok = written(spec.Values[i]), true
			}
		}
		return true
	})
	return value, ok
}

// written is a number such as 16 KB, or a time such as 2 s.
func written(e ast.Expr) string {
	var text bytes.Buffer
	if source.Fprint(&text, token.NewFileSet(), e) != nil {
		return ""
	}
	expr, unit := text.String(), ""
	for of, word := range map[string]string{"time.Second": " s", "time.Minute": " min"} {
		if before, found := strings.CutSuffix(expr, of); found {
			expr, unit = strings.TrimSuffix(before, " * "), word
			if before == "" {
				expr = "1"
			}
		}
	}
	v, err := evaluator.Eval(token.NewFileSet(), nil, token.NoPos, expr)
	if err != nil || v.Value == nil {
		return ""
	}
	n, exact := constant.Int64Val(v.Value)
	switch {
	case !exact:
		return ""
	case unit == "" && n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MB", n>>20)
	case unit == "" && strings.Contains(expr, "<< 10"):
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d%s", n, unit)
}
