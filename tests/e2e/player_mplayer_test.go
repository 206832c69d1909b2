//go:build players

package e2e

import (
	"os/exec"
	"regexp"
	"testing"
)

// MPlayer plays at the pace of its clock; it would read keys from standard input, which is empty.
var mplayer = player{
	name:     "MPlayer",
	programs: []packaged{{"mplayer", "mplayer"}},
	trouble: regexp.MustCompile(
		`^\[[a-z0-9]+ @ |Error while decoding|Too many (video|audio) packets|Stream not seekable|Invalid`),
	harmless: regexp.MustCompile(`custom get_buffer2`),
	command: func(_ *testing.T, s stage) []*exec.Cmd {
		return []*exec.Cmd{exec.Command("mplayer", "-noconfig", "all", "-nolirc", "-nojoystick", "-slave", "-quiet",
			"-vo", "yuv4mpeg:file="+s.pictures, "-ao", "null", s.url)}
	},
}
