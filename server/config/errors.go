package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
)

// A document is a file on its way to a Config: where its keys are and what is wrong with them.
type document struct {
	name  string
	lines keyLines
	bad   map[string]bool // keys in errs
	errs  []complaint
	plain bool // it has secrets in it

	files    []string // that it names
	warnings []string // of what can run, though not as safely as it should
	closer   []string // warnings too, but only of a closer look: Check
}

// A complaint is one line for the operator.
type complaint struct {
	key    string
	line   int // 0 if the file does not have the key
	text   string
	denied bool // it is about a file that this user may not read or write; others may
}

// wrong notes that something is wrong with a key. Only the first complaint about a key or its table counts, as the
// others tend to follow from it.
func (f *document) wrong(key, format string, args ...any) {
	for k := key; k != ""; k = outer(k) {
		if f.bad[k] {
			return
		}
	}
	f.bad[key] = true
	f.errs = append(f.errs, complaint{key, f.line(key), f.about(key, format, args...), slices.ContainsFunc(args, denies)})
}

// denies says whether something is an error that another user would not get.
func denies(arg any) bool {
	err, ok := arg.(error)
	return ok && errors.Is(err, fs.ErrPermission)
}

// about is a line about a key, which says where it is; "" is the document as a whole.
func (f *document) about(key, format string, args ...any) string {
	text := f.name + ":"
	if line := f.line(key); line > 0 {
		text += fmt.Sprintf("%d:", line)
	}
	if key != "" {
		text += fmt.Sprintf(" %.200s:", key)
	}
	return OneLine(text + " " + fmt.Sprintf(format, args...))
}

// line is where a key is or, if the file does not have it, where its table is.
func (f *document) line(key string) int {
	for ; key != ""; key = outer(key) {
		if line, ok := f.lines[key]; ok {
			return line
		}
	}
	return 0
}

// outer is the table or list that a key is in, "" for the document.
func outer(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

// has is true of keys that are in the file, whatever their value.
func (f *document) has(key string) bool { return f.lines[key] > 0 }

// err joins all complaints in the order of the file.
func (f *document) err() error {
	slices.SortStableFunc(f.errs, func(a, b complaint) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return strings.Compare(a.text, b.text)
	})
	var errs []error
	for _, e := range f.errs {
		errs = append(errs, errors.New(e.text))
	}
	return errors.Join(errs...)
}

// OneLine keeps what does not print, in file names, keys and what others say, from making more lines, or worse.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// isSecret is true of keys whose values can hold passwords.
func isSecret(key string) bool {
	key = key[strings.LastIndex(key, ".")+1:]
	switch key, _, _ = strings.Cut(key, "["); key {
	case "push_users", "view_users", "admin_users", "view_keys", "auth_url", "url", "urls", "pair", "forward":
		return true
	}
	return false
}
