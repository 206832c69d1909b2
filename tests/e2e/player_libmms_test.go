//go:build players

package e2e

import (
	"os/exec"
	"testing"
)

// libmms speaks the protocol for a small program of ours (testdata/mmscat.c), FFmpeg decodes. GStreamer's mmssrc would
// be such a program, but Debian does not build it.
var libmms = player{
	name:     "libmms",
	programs: []packaged{{"gcc", "gcc libc6-dev libmms-dev"}, ffmpegPackage},
	trouble:  ffmpegTrouble,
	lossless: true,
	command: func(t *testing.T, s stage) []*exec.Cmd {
		return []*exec.Cmd{
			exec.Command(mmscat(t), s.url),
			exec.Command("ffmpeg", ffmpegArgs(s, "-f", "asf", "-i", "pipe:0")...),
		}
	},
}

var mmscat = testProgram("mmscat", "mms")
