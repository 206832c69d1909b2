package config

import "testing"

func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[server]\nlog_level = debug\n", `pump.toml:2: server.log_level: not a TOML value, want a string in quotes`},
		// "inf" would be a number.
		{"[server]\nlog_level = info\n", `pump.toml:2: server.log_level: not a TOML value, want a string in quotes`},
		{"[server]\nburst = 3s\n",
			`pump.toml:2: server.burst: not a TOML value, want a duration such as "3s" or "100ms", or "auto"`},
		{"[server]\nburst =\n",
			`pump.toml:2: server.burst: not a TOML value, want a duration such as "3s" or "100ms", or "auto"`},
		{"[server]\nlisten = [:8086]\n", `pump.toml:2: server.listen: not a TOML value, want a list of strings in brackets`},
		{"[[streams]]\npath = \"a\"\nenabled = True\n",
			`pump.toml:3: streams[0].enabled: not a TOML value, want true or false`},
		{"[[streams]]\npath = a\n", `pump.toml:2: streams[0].path: not a TOML value, want a string in quotes`},
		{"[server]\nlevel = debug\n", `pump.toml:2: server.level: expected value but found "debug" instead`},
		{"[server]\nlisten = \":8086\n", `pump.toml:2: server.listen: strings cannot contain newlines`},
		{"[server\nburst = \"3s\"\n", `pump.toml:1: expected '.' or ']' to end table name, but got '\n' instead`},
		{"[[streams]\npath = \"a\"\n", `pump.toml:1: expected end of table array name delimiter ']', but got '\n' instead`},
		{"[[streams]]\npush_users = [e:geheim]\n",
			`pump.toml:2: streams.push_users: not a TOML value, want strings in quotes`},
		{"[server]\nlisten = [“:8086”]\n", `pump.toml:2: server.listen: not a TOML value, want a list of strings in ` +
			`brackets; the quotation marks there are not "`},
		{"[[streams]]\npush_users = [“e:geheim”]\n",
			`pump.toml:2: streams.push_users: not a TOML value, want strings in quotes; the quotation marks there are not "`},
		{"[[streams]]\nfile = \"C:\\videos\\a.wmv\"\n", `pump.toml:2: streams[0].file: invalid escape in string '\v'; ` +
			`want \\ for each backslash, or '…' for the quotation marks`},
		{"[proxy]\nurl = http://u:geheim@h\n", `pump.toml:2: proxy.url: not a TOML value, want strings in quotes`},
	} {
		_, err := Parse([]byte(c.text), "pump.toml")
		if err == nil || err.Error() != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}
