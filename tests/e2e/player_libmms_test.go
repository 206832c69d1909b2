//go:build players

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// libmms speaks the protocol for a small program of ours (testdata/mmscat.c), FFmpeg decodes. GStreamer's mmssrc would be
// such a program, but Debian does not build it.
var libmms = player{
	name:     "libmms",
	programs: []packaged{{"gcc", "gcc libc6-dev libmms-dev"}, ffmpegPackage},
	trouble:  ffmpegTrouble,
	lossless: true,
	command: func(t *testing.T, s stage) []*exec.Cmd {
		program, err := mmscat()
		if err != nil && strings.Contains(err.Error(), "mmsx.h: No such file") {
			needed(t, "libmms (Debian: apt-get install libmms-dev)")
		}
		if err != nil {
			t.Fatal(err)
		}
		return []*exec.Cmd{
			exec.Command(program, s.url),
			exec.Command("ffmpeg", ffmpegArgs(s, "-f", "asf", "-i", "pipe:0")...),
		}
	},
}

// mmscat is built once.
var mmscat = sync.OnceValues(func() (string, error) {
	dir, err := builtDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "mmscat")
	out, err := exec.Command("gcc", "-Wall", "-O1", "-o", path, filepath.Join("testdata", "mmscat.c"), "-lmms").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("gcc mmscat.c: %w\n%s", err, out)
	}
	return path, nil
})
