package config

import (
	"maps"
	"testing"

	"github.com/BurntSushi/toml"
)

// lineCases is TOML that makes it hard to tell keys from values, with the line of each key.
var lineCases = []struct {
	name, text string
	want       keyLines
}{
	{"empty", "", keyLines{}},
	{"keys and tables", "a = 1\n\n[t] # x = 1\nb = 2\n", keyLines{"a": 1, "t": 3, "t.b": 4}},
	{"arrays of tables", "[[s]]\na = 1\n[[s]]\na = 2\nb = 3\n", keyLines{
		"s": 1, "s[0]": 1, "s[0].a": 2, "s[1]": 3, "s[1].a": 4, "s[1].b": 5}},
	{"table of the last of an array", "[[s]]\n[[s]]\n[s.t]\na = 1\n[[s.u]]\nb = 1\n", keyLines{
		"s": 1, "s[0]": 1, "s[1]": 2, "s[1].t": 3, "s[1].t.a": 4, "s[1].u": 5, "s[1].u[0]": 5, "s[1].u[0].b": 6}},
	{"dotted keys", "a.b.c = 1\na.b.d = 2\n[t.u]\nv . w = 1\n", keyLines{
		"a": 1, "a.b": 1, "a.b.c": 1, "a.b.d": 2, "t": 3, "t.u": 3, "t.u.v": 4, "t.u.v.w": 4}},
	{"list", "a = [1, # ]\n 2,\n\n [\"]\", ']'],\n]\nb = []\n", keyLines{
		"a": 1, "a[0]": 1, "a[1]": 2, "a[2]": 4, "a[2][0]": 4, "a[2][1]": 4, "b": 6}},
	{"list of inline tables", "a = [{ b = 1, c = \"}\" },\n {b.d = 2}]\n", keyLines{
		"a": 1, "a[0]": 1, "a[0].b": 1, "a[0].c": 1, "a[1]": 2, "a[1].b": 2, "a[1].b.d": 2}},
	{"strings", "a = \"\\\"\\n[x]\"\nb = '\\'\nc = ''\nd = 1\n", keyLines{"a": 1, "b": 2, "c": 3, "d": 4}},
	{"long strings", "a = \"\"\"\nx = 1\n\\\"\"\"\"\nb = '''\n\n''x = 1'''\nc = \"\"\"\"\"\"\nd = 1\n", keyLines{
		"a": 1, "b": 4, "c": 7, "d": 8}},
	{"long string that ends in quotes", "a = [\"\"\"x\"\"\"\"\", '''x''''', 1]\nb = 1\n", keyLines{
		"a": 1, "a[0]": 1, "a[1]": 1, "a[2]": 1, "b": 2}},
	{"quoted keys", "\"a.b\" = 1\n'a\"b' = 2\n\"\" = 3\n\"\\u0063\".d = 4\n[\"x]\"]\ny = 1\n", keyLines{
		`"a.b"`: 1, `"a\"b"`: 2, `""`: 3, "c": 4, "c.d": 4, `"x]"`: 5, `"x]".y`: 6}},
	{"Windows", "a = 1\r\n[t]\r\nb = 2\r\n", keyLines{"a": 1, "t": 2, "t.b": 3}},
	{"bare values", "a=1979-05-27 07:32:00Z\nb=+inf#,\nc=0x1_f\nd=true", keyLines{"a": 1, "b": 2, "c": 3, "d": 4}},
}

func TestKeyLines(t *testing.T) {
	for _, c := range lineCases {
		if err := toml.Unmarshal([]byte(c.text), new(map[string]any)); err != nil {
			t.Errorf("%s: the case is not TOML: %v", c.name, err)
		}
		if got, deep := findKeys(c.text); !maps.Equal(got, c.want) || deep != 0 {
			t.Errorf("%s: %q\n got %v, too deep in line %d\nwant %v", c.name, c.text, got, deep, c.want)
		}
	}
}

// Text that is not TOML has no right answer, but it must have an end.
func TestKeyLinesOfCutText(t *testing.T) {
	for _, c := range lineCases {
		for n := range c.text {
			findKeys(c.text[:n])
			findKeys(c.text[n:])
		}
	}
}
