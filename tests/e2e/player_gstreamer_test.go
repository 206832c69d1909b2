//go:build players

package e2e

import (
	"os/exec"
	"regexp"
	"testing"
)

// GStreamer plays as fast as data come. The decoder must not render into buffers of its own: y4menc would write their
// edges, too.
var gstreamer = player{
	name: "GStreamer",
	programs: []packaged{{"gst-launch-1.0", "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good " +
		"gstreamer1.0-plugins-ugly gstreamer1.0-libav"}},
	trouble:  regexp.MustCompile(`^(ERROR|WARNING)|erroneous pipeline`),
	lossless: true,
	command: func(_ *testing.T, s stage) []*exec.Cmd {
		return []*exec.Cmd{exec.Command("gst-launch-1.0", "souphttpsrc", "location="+s.url, "!", "asfdemux", "name=asf",
			"asf.", "!", "queue", "!", "avdec_wmv2", "direct-rendering=false", "!", "y4menc", "!",
			"filesink", "buffer-mode=unbuffered", "location="+s.pictures,
			"asf.", "!", "queue", "!", "avdec_wmav2", "!", "fakesink")}
	},
}
