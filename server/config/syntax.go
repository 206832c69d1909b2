package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// syntaxError puts the TOML library's error into one line, with the key that is on that line, if any. Where the library
// says only that something is no value, which is mostly a word without quotes, it says what the key wants.
//
// The library likes to quote what it stumbled over, and somebody who forgot the quotes around a password should not
// find it in a log.
func syntaxError(name string, err error, text string, lines keyLines) error {
	parse, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		return fmt.Errorf("%s: %w", name, err)
	}
	line, msg := parse.Position.Line, parse.Message
	if strings.Contains(msg, "end table") || strings.Contains(msg, "end of table") {
		if strings.HasSuffix(msg, `'\n' instead`) {
			line-- // it counts the line end that it found already
		}
		return errors.New(OneLine(fmt.Sprintf("%s:%d: %.200s", name, line, msg)))
	}
	switch key := lines.at(line); {
	case isSecret(parse.LastKey):
		msg = parse.LastKey + ": not a TOML value, want strings in quotes"
	case isSecret(key):
		msg = key + ": not a TOML value, want strings in quotes"
	case key == "":
	case notValue(msg) && typeOf(key) != nil:
		msg = key + ": not a TOML value, want " + wanted(typeOf(key))
	default:
		msg = key + ": " + msg
	}
	return errors.New(OneLine(fmt.Sprintf("%s:%d: %.200s%s", name, line, msg, likely(text, line, msg))))
}

// likely adds to an error of the library what is often behind it: a text processor, or a path of Windows.
func likely(text string, line int, msg string) string {
	lines := strings.Split(text, "\n")
	switch {
	case line >= 1 && line <= len(lines) && strings.ContainsAny(lines[line-1], "“”„«»"):
		return "; the quotation marks there are not \""
	case strings.Contains(msg, "invalid escape"):
		return `; want \\ for each backslash, or '…' for the quotation marks`
	}
	return ""
}

// notValue is true of what the library says of a value that it cannot read or only the start of.
func notValue(msg string) bool {
	return strings.HasPrefix(msg, "expected value") || strings.HasPrefix(msg, "expected a top-level item to end")
}

// at gives the key on a line, of several the outermost; "" if there is none.
func (l keyLines) at(line int) (key string) {
	for k, n := range l {
		if n == line && (key == "" || len(k) < len(key) || len(k) == len(key) && k < key) {
			key = k
		}
	}
	return key
}

// typeOf is the type of a key's value, nil if there is no such key.
func typeOf(key string) reflect.Type {
	t := reflect.TypeFor[Config]()
	for part := range strings.SplitSeq(key, ".") {
		part, _, inList := strings.Cut(part, "[")
		if t.Kind() != reflect.Struct {
			return nil
		}
		field, ok := fieldOf(t, part)
		if !ok {
			return nil
		}
		if t = field.Type; inList && t.Kind() == reflect.Slice {
			t = t.Elem()
		}
	}
	return t
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if f.Tag.Get("toml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// isWord is true of letters, digits and underscores, all of ASCII.
func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
