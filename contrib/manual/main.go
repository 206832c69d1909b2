// Command manual makes other forms of pump.toml.example, which is the manual of the configuration: docs/reference.md
// and the man page pump.toml(5).
//
//	go run ./contrib/manual reference < pump.toml.example > docs/reference.md
//	go run ./contrib/manual man < pump.toml.example > pump.toml.5
package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	forms := map[string]func(list []item) string{"reference": reference, "man": manPage}
	if len(os.Args) != 2 || forms[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: manual reference|man < pump.toml.example")
		os.Exit(2)
	}
	example, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(forms[os.Args[1]](parse(string(example))))
}

// An item is a piece of the example: a table with what is said of it, or keys that share what is said of them, or text.
type item struct {
	table string
	keys  []string // as they stand there, with their defaults
	lines []string // of text, without the # and the blank behind it
}

var (
	tableLine = regexp.MustCompile(`^#?(\[{1,2}[a-z_]+\]{1,2})$`)
	keyLine   = regexp.MustCompile(`^#?([a-z0-9_]+ = .*)$`)
)

// parse cuts the example into its items. A comment belongs to what follows it; "#" and a blank begin one, "#" alone a
// key or a table that is switched off.
func parse(example string) (list []item) {
	var next item
	flush := func() {
		if len(next.lines) > 0 || len(next.keys) > 0 || next.table != "" {
			list = append(list, next)
		}
		next = item{}
	}
	for line := range strings.Lines(example) {
		line = strings.TrimRight(line, "\n")
		switch table, key := tableLine.FindStringSubmatch(line), keyLine.FindStringSubmatch(line); {
		case table != nil:
			if len(next.keys) > 0 {
				flush()
			}
			next.table = table[1]
			flush()
		case key != nil:
			next.keys = append(next.keys, key[1])
		case line == "":
			flush()
		default:
			if len(next.keys) > 0 {
				flush()
			}
			next.lines = append(next.lines, strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
		}
	}
	flush()
	return list
}

// paragraphs cuts lines of text into paragraphs; those that are set in columns stay as they are.
func paragraphs(lines []string) (list [][]string) {
	var next []string
	columns := func(s string) bool { return strings.HasPrefix(s, "  ") }
	for _, l := range lines {
		if l == "" || len(next) > 0 && columns(l) != columns(next[0]) {
			if len(next) > 0 {
				list = append(list, next)
			}
			next = nil
		}
		if l != "" {
			next = append(next, l)
		}
	}
	if len(next) > 0 {
		list = append(list, next)
	}
	return list
}

const made = "made from pump.toml.example by contrib/manual"

// reference is the example in Markdown.
func reference(list []item) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- %s -->\n\n# pump.toml\n", made)
	for _, i := range list {
		if i.table != "" {
			fmt.Fprintf(&b, "\n## `%s`\n", i.table)
		}
		if len(i.keys) > 0 {
			b.WriteString("\n```toml\n" + strings.Join(i.keys, "\n") + "\n```\n")
		}
		for _, p := range paragraphs(i.lines) {
			if strings.HasPrefix(p[0], "  ") {
				b.WriteString("\n```\n" + strings.Join(p, "\n") + "\n```\n")
				continue
			}
			b.WriteString("\n" + strings.Join(p, "\n") + "\n")
		}
	}
	return b.String()
}

// manPage is the example in the language of man pages: man(7).
func manPage(list []item) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".\\\" %s\n.TH PUMP.TOML 5\n.SH NAME\npump.toml \\- configuration of pumpd(8)\n", made)
	b.WriteString(".SH DESCRIPTION\n")
	for _, i := range list {
		if i.table != "" {
			fmt.Fprintf(&b, ".SH %s\n", roff(i.table))
		}
		for n, k := range i.keys {
			macro := ".TP"
			if n > 0 {
				macro = ".TQ"
			}
			fmt.Fprintf(&b, "%s\n\\fB%s\\fR\n", macro, roff(k))
		}
		for n, p := range paragraphs(i.lines) {
			switch {
			case strings.HasPrefix(p[0], "  "):
				b.WriteString(".PP\n.nf\n" + roff(strings.Join(p, "\n")) + "\n.fi\n")
			default:
				if n > 0 || len(i.keys) == 0 && i.table == "" {
					b.WriteString(map[bool]string{true: ".IP\n", false: ".PP\n"}[len(i.keys) > 0])
				}
				b.WriteString(roff(strings.Join(p, "\n")) + "\n")
			}
		}
	}
	b.WriteString(".SH SEE ALSO\n.BR pumpd (8)\n")
	return b.String()
}

// roff is text of which nothing is a command: backslashes are doubled, dashes are such that can be copied, and no line
// begins with a dot or a quote.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\&...`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
