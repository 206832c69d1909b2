package server

import (
	"strings"
	"testing"
)

const (
	pushTable = "[[streams]]\npath = \"a\"\ntype = \"mmsh_push\"\n" // three lines
	pullTable = "[[streams]]\npath = \"a\"\ntype = \"mmsh_pull\"\n"
	fileTable = "[[streams]]\npath = \"a\"\ntype = \"file\"\n"

	wantPath = ", want up to 128 letters, digits, and . _ -"
	wantUser = `: the value, want "name:secret" of up to 255 bytes`
)

// fileAt is a stream of three lines.
func fileAt(path string) string { return strings.Replace(fileTable, `"a"`, `"`+path+`"`, 1) }

var badStreams = []badConfig{
	{"empty stream", "[[streams]]\n[[streams]]\npath = \"a\"\ntype = \"file\"\n",
		"pump.toml:1: streams[0].path: missing\n" +
			`pump.toml:1: streams[0].type: missing, want "mmsh_push", "mmsh_pull" or "file"`},
	{"empty path", fileAt(""), `pump.toml:2: streams[0].path: ""` + wantPath},
	{"slash in a path", fileAt("/a"), `pump.toml:2: streams[0].path: "/a"` + wantPath},
	{"letter that needs escapes", fileAt("ä"), `pump.toml:2: streams[0].path: "ä"` + wantPath},
	{"path that means another", fileAt(".."), `pump.toml:2: streams[0].path: ".."` + wantPath},
	{"long path", fileAt(strings.Repeat("a", 129)),
		`pump.toml:2: streams[0].path: "` + strings.Repeat("a", 129) + `"` + wantPath},
	{"path twice", fileAt("Demo") + fileAt("b") + fileAt("dEMO"),
		`pump.toml:8: streams[2].path: "dEMO", already used by streams[0] (line 2)`},
	{"path of another's pushes", fileAt("b") + pushTable + fileAt("A_Push"),
		`pump.toml:8: streams[2].path: "A_Push", encoders of streams[1] (line 5) push to this path`},
	{"path of another's pushes above it", fileAt("a_push") + pushTable,
		`pump.toml:2: streams[0].path: "a_push", encoders of streams[1] (line 5) push to this path`},
	{"title with a line break", fileTable + "title = \"a\\nb\"\n",
		`pump.toml:4: streams[0].title: "a\nb", want up to 256 bytes without control characters`},
	{"unknown type", strings.Replace(fileTable, "file", "flie", 1) + "push_users = []\n",
		`pump.toml:3: streams[0].type: "flie", want "mmsh_push", "mmsh_pull" or "file"`},

	{"URL for a push", pushTable + "url = \"\"\n", `pump.toml:4: streams[0].url: not for type "mmsh_push", only for "mmsh_pull"`},
	{"users for a pull", pullTable + "url = \"mms://a\"\npush_users = []\n",
		`pump.toml:5: streams[0].push_users: not for type "mmsh_pull", only for "mmsh_push"`},
	{"push policy for a file", fileTable + "on_second_push = \"takeover\"\n",
		`pump.toml:4: streams[0].on_second_push: not for type "file", only for "mmsh_push"`},
	{"file for a pull", pullTable + "file = \"a.asf\"\nurls = [\"mms://a\"]\n",
		`pump.toml:4: streams[0].file: not for type "mmsh_pull", only for "file"`},

	{"push policy", pushTable + "on_second_push = \"take\"\n",
		`pump.toml:4: streams[0].on_second_push: "take", want "takeover" or "refuse"`},
	{"user without secret", pushTable + "push_users = [\"a:b\",\n\"a\"]\n", "pump.toml:5: streams[0].push_users[1]" + wantUser},
	{"empty secret", pushTable + "push_users = [\"a:\"]\n", "pump.toml:4: streams[0].push_users[0]" + wantUser},
	{"empty name", pushTable + "push_users = [\":b\"]\n", "pump.toml:4: streams[0].push_users[0]" + wantUser},
	{"quote in a name", pushTable + "push_users = ['a\"b:c']\n",
		"pump.toml:4: streams[0].push_users[0]: the value, want a name without quotes and backslashes, and no control characters"},
	{"user twice", pushTable + "push_users = [\"a:b\", \"a:c\"]\n",
		`pump.toml:4: streams[0].push_users[1]: "a", there already is a user of that name`},

	{"pull from nowhere", pullTable, `pump.toml:1: streams[0].url: missing, want url or urls for type "mmsh_pull"`},
	{"url and urls", pullTable + "url = \"mms://a\"\nurls = [\"mms://b\"]\n",
		"pump.toml:5: streams[0].urls: there is a url on line 4, want one of the two"},
	{"empty url", pullTable + "url = \"\"\n",
		`pump.toml:4: streams[0].url: "", want a URL that begins with mmsh://, mmshs://, http://, https://, mms://`},
	{"empty urls", pullTable + "urls = []\n", "pump.toml:4: streams[0].urls: no URL, want at least one"},
	{"scheme of the second", pullTable + "urls = [\"mms://a\",\n\"rtsp://b:1/\"]\n",
		`pump.toml:5: streams[0].urls[1]: "rtsp://b:1/", want a URL that begins with mmsh://, mmshs://, http://, https://, mms://`},
	{"port of an upstream", pullTable + "url = \"mmsh://host:70707/\"\n",
		`pump.toml:4: streams[0].url: "mmsh://host:70707/"` + wantHost + "mmsh://"},
	{"user of an upstream", pullTable + "url = \"mmsh://me:secret@/\"\n",
		`pump.toml:4: streams[0].url: "mmsh://…@/"` + wantHost + "mmsh://"},
	{"missing file", fileTable + "file = \"none.asf\"\n", "pump.toml:4: streams[0].file: stat none.asf: no such file or directory"},
	{"mistake in a stream that is off", pushTable + "enabled = false\nurl = \"mms://a\"\n",
		`pump.toml:5: streams[0].url: not for type "mmsh_push", only for "mmsh_pull"`},
}

func TestBadStreams(t *testing.T) { testBad(t, badStreams) }

func TestGoodStreams(t *testing.T) {
	for _, text := range []string{
		fileAt("A-z_0.9"),
		fileAt("a") + fileAt("a_pus") + fileAt("_push") + fileAt("b_push"),
		pushTable + "push_users = [\"a:b:c\", \"b:c\", \"A:b\"]\non_second_push = \"refuse\"\n",
		pullTable + "url = \"http://me:secret@[::1]:8080/a/b?WMBitrate=1\"\n",
		pullTable + "urls = [\"mmsh://a\", \"mms://a\", \"https://a:1\", \"mmshs://a/\", \"http://a_b.example\"]\n",
		fileTable + "title = \"Ünïcode, and 'quotes'\"\nenabled = false\n",
		fileTable + "file = \"config.go\"\n",
	} {
		if _, err := ParseConfig([]byte(text), "pump.toml"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
