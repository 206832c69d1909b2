//go:build players

package e2e

import (
	"os/exec"
	"regexp"
	"testing"
)

// ffmpegPackage brings ffmpeg and ffprobe; the tests make their media with it as well.
var ffmpegPackage = packaged{"ffmpeg", "ffmpeg"}

// ffmpegTrouble is in what FFmpeg logs with -v level+warning when input is damaged. "Guessed Channel Layout" and
// "Stream ends prematurely" are warnings too, but not about that.
var ffmpegTrouble = regexp.MustCompile(`\[(error|fatal|panic)\]|corrupt|concealing|no keyframe|[Nn]on-monoton`)

// ffmpegArgs make FFmpeg decode sound and picture as fast as they come.
func ffmpegArgs(s stage, input ...string) []string {
	args := append([]string{"-hide_banner", "-nostdin", "-nostats", "-v", "level+warning"}, input...)
	return append(args, "-map", "0:v", "-fps_mode", "passthrough", "-f", "yuv4mpegpipe", "-y", s.pictures, "-map", "0:a",
		"-f", "null", "-")
}

var ffmpeg = player{
	name:     "FFmpeg",
	programs: []packaged{ffmpegPackage},
	trouble:  ffmpegTrouble,
	lossless: true,
	command: func(_ *testing.T, s stage) []*exec.Cmd {
		return []*exec.Cmd{exec.Command("ffmpeg", ffmpegArgs(s, "-i", s.url)...)}
	},
}
