package config

import (
	"strings"

	"github.com/BurntSushi/toml"
)

// A keyScanner is a place in a TOML document, and the keys before it.
type keyScanner struct {
	text   string
	pos    int // next byte of text
	line   int // of pos
	lines  keyLines
	tables map[string]int // how many [[x]] there were of each x
	depth  int            // of pos
	deep   int            // line where depth passed maxNesting
}

// enter is called before all that nests, and leave after it. Where it returns false the rest of the text is skipped.
func (s *keyScanner) enter() bool {
	s.depth++
	if s.depth > maxNesting && s.deep == 0 {
		s.deep = s.line
		s.pos = len(s.text)
	}
	return s.deep == 0
}

func (s *keyScanner) leave(levels int) { s.depth -= levels }

// quoted consumes a string with any of TOML's four kinds of quotes.
func (s *keyScanner) quoted() {
	quote := s.text[s.pos : s.pos+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s.text[s.pos:], triple) {
		quote = triple
	}
	s.pos += len(quote)
	for s.pos < len(s.text) && !strings.HasPrefix(s.text[s.pos:], quote) {
		if quote[0] == '"' && s.text[s.pos] == '\\' {
			s.step()
		}
		s.step()
	}
	s.pos = min(s.pos+len(quote), len(s.text))
	for len(quote) == 3 && s.skip(quote[0]) { // """a""""" ends with two quotes of its own
	}
}

// blank consumes space, newlines and comments.
func (s *keyScanner) blank() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.step()
		case '#':
			s.until("\n")
		default:
			return
		}
	}
}

func (s *keyScanner) space() {
	for s.skip(' ') || s.skip('\t') {
	}
}

// until consumes everything before the first of the given bytes.
func (s *keyScanner) until(stops string) {
	for s.pos < len(s.text) && !strings.Contains(stops, s.text[s.pos:s.pos+1]) {
		s.step()
	}
}

func (s *keyScanner) step() {
	if s.pos < len(s.text) {
		if s.text[s.pos] == '\n' {
			s.line++
		}
		s.pos++
	}
}

// skip consumes c, never a newline, if it is next.
func (s *keyScanner) skip(c byte) bool {
	if s.pos == len(s.text) || s.text[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

// unquoteKey leaves TOML's escapes to the TOML library.
func unquoteKey(quoted string) string {
	var v struct {
		K string `toml:"k"`
	}
	if _, err := toml.Decode("k = "+quoted, &v); err != nil {
		return quoted
	}
	return v.K
}
