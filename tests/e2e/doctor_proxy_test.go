//go:build players

package e2e

import (
	"slices"
	"testing"
)

// The doctor finds nothing wrong with the proxies of docs/proxies.md, and says what is wrong with nginx as it comes.
func TestDoctorBehindProxies(t *testing.T) {
	p := startPump(t, trusting, "[[streams]]\npath = \"demo\"\ntype = \"file\"\n")
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			if code, d := examine(t, "mmsh://"+r.start(t, p, "")+"/streams/demo"); code != 0 {
				t.Errorf("exit code %d, %+v", code, d)
			}
		})
	}
	t.Run("nginx as it comes", func(t *testing.T) {
		needProgram(t, "nginx", "nginx")
		addr := freePort(t)
		background(t, "nginx", nginx(t, "server { listen "+addr+"; location / { proxy_pass http://"+p.addr+"; } }"))
		awaitListener(t, "nginx", addr)
		code, d := examine(t, "mmsh://"+addr+"/streams/demo")
		if code != 1 || !slices.Contains(d.kinds("fault"), "fields") {
			t.Errorf("exit code %d, %+v", code, d)
		}
		t.Logf("%+v", d)
	})
}
