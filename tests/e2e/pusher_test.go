//go:build players

package e2e

import (
	"fmt"
	"os/exec"
	"testing"
)

// push has bench push a clip to a pump as an encoder would, in real time, and returns when the stream is up.
func push(t *testing.T, p *pump, stream string, c *clip, strip bool) {
	t.Helper()
	url := fmt.Sprintf("http://%s/streams/%s_push", p.addr, stream)
	background(t, "bench push", exec.Command(mustBuild(t, benchProgram), "push", fmt.Sprintf("-strip=%v", strip), c.file,
		url))
	waitLive(t, p.addr, streamPath(stream))
}
