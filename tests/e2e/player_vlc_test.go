//go:build players

package e2e

import (
	"os/exec"
	"regexp"
	"testing"
)

// vlcPackages bring VLC without an interface.
var vlcPackages = []packaged{{"vlc", "vlc-bin vlc-plugin-base"}}

var vlc = vlcWith()

// vlcWith is VLC with further options. It plays at the pace of its clock and drops what is late. It wants to know
// nothing of hardware, fonts and titles here.
func vlcWith(options ...string) player {
	return player{
		name:     "VLC",
		programs: vlcPackages,
		trouble: regexp.MustCompile(
			`^\[[a-z0-9]+ @ |(avcodec|asf|access_mms|http|stream|demux|input)\S* (demux |decoder |stream )*(error|warning):`),
		harmless: vlcHarmless,
		command: func(_ *testing.T, s stage) []*exec.Cmd {
			args := append([]string{"-I", "dummy", "--no-color", "-vv",
				"--avcodec-hw=none", "--no-spu", "--no-osd", "--no-video-title-show", "--no-metadata-network-access",
				"--vout=yuv", "--yuv-file=" + s.pictures, "--yuv-chroma=I420", "--yuv-yuv4mpeg2", "--aout=adummy"}, options...)
			return []*exec.Cmd{unprivileged(exec.Command("vlc", append(args, s.url)...), s.dir)}
		},
	}
}

// vlcHarmless: VLC would rather ask for a password than find it in a URL. "cannot read data 2" is how it notices that a
// Describe is over. Late frames are missing in the count of frames, which has its own limit.
var vlcHarmless = regexp.MustCompile(
	`Password in a URI is DEPRECATED$|cannot read data 2$|late frames, dropping frame|too late to be displayed`)
