package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pumpd/asf/asftest"
)

// What -t finds in media files and slates, with the key and its line. Loading alone does not look into them.
func TestCheckConfigOpensMedia(t *testing.T) {
	dir := t.TempDir()
	packets := len(asftest.Header(200, 320))
	one, most := asftest.File(50, 40), asftest.File(50, 40)
	clear(one[packets+19*200 : packets+20*200])
	clear(most[packets : packets+26*200])
	for file, b := range map[string][]byte{"good.asf": asftest.File(50, 40), "one.asf": one, "most.asf": most,
		"none.asf": []byte("x")} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const (
		aFile = "[[streams]]\npath = \"a\"\ntype = \"file\"\n"
		aPush = "[[streams]]\npath = \"a\"\ntype = \"mmsh_push\"\n"
		aPull = "[[streams]]\npath = \"a\"\ntype = \"mmsh_pull\"\nurl = \"mmsh://a/\"\n"
	)
	name := filepath.Join(dir, "pump.toml")
	for _, c := range []struct{ text, warning, err string }{
		{aFile + "file = \"good.asf\"\n", "", ""},
		{aFile, "", ""},
		{aPush + "slate = \"builtin\"\n", "", ""},
		{aFile + "file = \"one.asf\"\n", ":4: streams[0].file: " + dir + "/one.asf: 1 of 50 packets are bad and will " +
			"be left out, the first: packet 20: ", ""},
		{aPush + "slate = \"one.asf\"\n", ":4: streams[0].slate: " + dir + "/one.asf: 1 of 50 packets", ""},
		{aFile + "file = \"most.asf\"\n", "", ":4: streams[0].file: " + dir + "/most.asf: file: 26 of 50 packets are " +
			"bad, the first: packet 1: "},
		{aPull + "slate = \"none.asf\"\n", "", ":5: streams[0].slate: " + dir + "/none.asf: header: "},
		{aFile + "file = \"none.asf\"\nenabled = false\n", "no stream is enabled", ":4: streams[0].file: "},
		{aPush + "enabled = false\n", "pump.toml: no stream is enabled, there is nothing to watch", ""},
		{"", "", "the file is empty"},
		{"[server]\n", "no stream is enabled", ""},
		{aPush + "slate = \"missing.asf\"\n", "", ":4: streams[0].slate: stat "},
		{aFile + "file = 1\n", "", ":4: streams[0].file: 1, want a string"},
	} {
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := CheckConfig(name)
		if got := strings.Join(warnings, "\n"); (got == "") != (c.warning == "") || !strings.Contains(got, c.warning) ||
			strings.Contains(got, "\n") {
			t.Errorf("%q: warnings %q, want one with %q", c.text, warnings, c.warning)
		}
		if (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) ||
			strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v, want one error with %q", c.text, err, c.err)
		}
	}
}
