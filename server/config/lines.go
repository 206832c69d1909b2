package config

import (
	"fmt"
	"strconv"
	"strings"
)

// keyLines is the line, from 1, of every key, table and list element of a TOML document, under names such as
// server.burst, streams[1].type and server.listen[0]. The TOML library knows lines too, but only one for all tables of
// [[streams]] together.
type keyLines map[string]int

// maxNesting is the limit of names inside names and values inside values; the configuration needs four. The TOML
// library calls itself for each, and a file of brackets is the end of its stack and our process.
const maxNesting = 32

// findKeys reads the document only as far as needed to tell keys from values. deep is the line with something nested
// too deeply, or 0; nothing below it is read. Of text that is not TOML the lines are unspecified.
func findKeys(text string) (lines keyLines, deep int) {
	s := keyScanner{text: text, line: 1, lines: keyLines{}, tables: map[string]int{}}
	table := ""
	for s.blank(); s.pos < len(s.text); s.blank() {
		if s.text[s.pos] == '[' {
			table = s.tableHeader()
		} else {
			s.pair(table)
		}
	}
	return s.lines, s.deep
}

// tableHeader consumes [a.b] or [[a.b]] and returns the name of the table that it opens. A name inside an array of
// tables means the last of them: after two [[streams]], [streams.x] is streams[1].x.
func (s *keyScanner) tableHeader() string {
	line := s.line
	s.pos++
	array := s.skip('[')
	parts := s.key()
	defer s.leave(len(parts))
	s.skip(']')
	s.skip(']')
	name := ""
	for i, part := range parts {
		name = keyName(name, part)
		s.note(name, line)
		if array && i == len(parts)-1 {
			s.tables[name]++
		}
		if n := s.tables[name]; n > 0 {
			name = Item(name, n-1)
			s.note(name, line)
		}
	}
	return name
}

// pair consumes a.b = value.
func (s *keyScanner) pair(table string) {
	line, name := s.line, table
	parts := s.key()
	defer s.leave(len(parts))
	for _, part := range parts {
		name = keyName(name, part)
		s.note(name, line)
	}
	s.skip('=')
	s.value(name)
}

// key consumes a dotted key and the space around it, and returns its parts without quotes. It enters each of them.
func (s *keyScanner) key() []string {
	var parts []string
	for {
		s.enter()
		s.space()
		start := s.pos
		if s.pos < len(s.text) && (s.text[s.pos] == '"' || s.text[s.pos] == '\'') {
			s.quoted()
			parts = append(parts, unquoteKey(s.text[start:s.pos]))
		} else {
			s.until(" \t\r\n.=]#\"'")
			parts = append(parts, s.text[start:s.pos])
		}
		s.space()
		if !s.skip('.') {
			return parts
		}
	}
}

// value consumes one value, and notes the keys and elements inside it.
func (s *keyScanner) value(name string) {
	s.space()
	defer s.leave(1)
	if !s.enter() || s.pos == len(s.text) {
		return
	}
	switch s.text[s.pos] {
	case '"', '\'':
		s.quoted()
	case '[':
		n := 0
		s.list(']', func() {
			element := Item(name, n)
			s.note(element, s.line)
			s.value(element)
			n++
		})
	case '{':
		s.list('}', func() { s.pair(name) })
	default:
		s.pos++ // at least one byte, so that a list always gets on
		s.until(",]}#\n")
	}
}

// list consumes a bracket, items separated by commas, and the closing bracket.
func (s *keyScanner) list(end byte, item func()) {
	s.pos++
	for s.blank(); s.pos < len(s.text) && !s.skip(end); s.blank() {
		item()
		s.blank()
		s.skip(',')
	}
}

// note keeps the first line of a name: later ones are further parts of the same table.
func (s *keyScanner) note(name string, line int) {
	if _, ok := s.lines[name]; !ok {
		s.lines[name] = line
	}
}

// keyName is the name of a key in a table; table "" is the document.
func keyName(table, key string) string {
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !isWord(r) && r != '-' }) {
		key = strconv.Quote(key)
	}
	if table == "" {
		return key
	}
	return table + "." + key
}

// Item is the key of an item of a list: "server.listen[0]" is the first of server.listen.
func Item(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
