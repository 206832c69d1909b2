//go:build players

package e2e

import (
	"fmt"
	"os/exec"
	"testing"
)

// startVLCServer has VLC serve a clip by its own MMSH server and gives host:port and path. VLC copies the clip's frames
// into packets of its own. It marks as key frames what its packetizer knows to be one, for which the video must be
// MPEG-4: of WMV it marks every frame, and then no player can join in the right place.
func startVLCServer(t *testing.T, c *clip) (addr, path string) {
	t.Helper()
	for _, need := range vlcPackages {
		needProgram(t, need.program, need.debian)
	}
	addr, path = freePort(t), "/clip"
	cmd := exec.Command("vlc", "-I", "dummy", "--no-color", "-vv", c.file, "--sout-mux-caching=200",
		"--sout", fmt.Sprintf("#std{access=mmsh,mux=asfh,dst=%s%s}", addr, path))
	background(t, "VLC's server", unprivileged(cmd, openDir(t)))
	waitLive(t, addr, path)
	return addr, path
}

// freePort finds a port for a program that cannot choose one itself, at a loopback address where nobody else takes it
// before that program does.
func freePort(t *testing.T) string {
	t.Helper()
	return freeAddress(t, newHost())
}
