//go:build players

package e2e

import (
	"os/exec"
	"regexp"
	"testing"
)

// mpv plays to a display that is not there, at the pace of its clock, and logs the checksum of every picture.
var mpv = player{
	name:     "mpv",
	programs: []packaged{{"mpv", "mpv"}},
	logged:   regexp.MustCompile(`showinfo.* checksum:([0-9A-F]{8})`),
	trouble:  regexp.MustCompile(`^\[(ffmpeg/|lavf|demux|cplayer|vd|ad)`),
	// A few bytes of padding that a pump took off and FFmpeg's demuxer put back uncounted: it skips them and says so.
	harmless: regexp.MustCompile(`Skip due to FRAME_HEADER_SIZE$`),
	command: func(_ *testing.T, s stage) []*exec.Cmd {
		return []*exec.Cmd{exec.Command("mpv", "--no-config", "--msg-color=no", "--term-status-msg=", "--input-terminal=no",
			"--msg-level=all=warn,ffmpeg=v,ffmpeg/video=warn,ffmpeg/audio=warn,ffmpeg/demuxer=warn",
			"--vf=lavfi=[showinfo]", "--vo=null", "--ao=null", s.url)}
	},
}
