package e2e

import (
	"net/http"
	"syscall"
	"testing"
)

// A reload by SIGHUP adds a stream, refuses a file with a mistake and removes the stream again. Who watches another one
// gets packet after packet all the time.
func TestReload(t *testing.T) {
	t.Parallel()
	demo := fileStream("demo", "")
	p := startPump(t, "", demo)
	p.errors = "reload refused"
	waitLive(t, p.addr, streamPath("demo"))
	stays, packets := watch(t, p.addr, "demo", agentOld), 0
	goOn := func() {
		t.Helper()
		for range 20 {
			if _, err := stays.packet(packets); err != nil {
				t.Fatal(err)
			}
			packets++
		}
	}
	reload := func(server, streams, says string) {
		t.Helper()
		configure(t, p.config, server, streams)
		p.cmd.Process.Signal(syscall.SIGHUP)
		p.says(t, says)
		goOn()
	}
	goOn()
	reload("", demo+fileStream("more", ""), "msg=reloaded added=more")
	waitLive(t, p.addr, streamPath("more"))
	goes := watch(t, p.addr, "more", agentOld)
	reload("burst = \"x\"", demo, `server.burst: \"x\", want`)
	reload("loops = 7\nmax_lag = \"11s\"", demo, "msg=reloaded removed=more keys=server.max_lag")
	p.says(t, "some keys count from the next start on\" keys=server.loops")
	if _, err := goes.rest(); err != nil {
		t.Errorf("who watched what is gone: %v, want the end of the stream", err)
	}
	res, err := http.Get("http://" + p.addr + "/streams/more")
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("what is gone: %v, %v, want 404", res, err)
	}
	goOn()
}
