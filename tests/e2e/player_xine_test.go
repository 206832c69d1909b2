//go:build players

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// xine is its library in a small program of ours (testdata/xinecat.c): its own windows show pictures to people only. It
// plays at the pace of its clock.
var xine = player{
	name:     "xine",
	programs: []packaged{{"gcc", "gcc libc6-dev libxine2-dev libxine2-ffmpeg libxine2-misc-plugins"}},
	trouble:  regexp.MustCompile(`^\[`),
	buffer:   5 * time.Second, // of data; a burst is less
	command: func(t *testing.T, s stage) []*exec.Cmd {
		cmd := exec.Command(xinecat(t), s.url, s.pictures)
		cmd.Env = append(os.Environ(), "HOME="+s.dir) // it keeps what it knows of its plugins there
		return []*exec.Cmd{cmd}
	},
}

var xinecat = testProgram("xinecat", "xine")
