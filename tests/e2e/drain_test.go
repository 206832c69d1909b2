package e2e

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// SIGTERM with a drain: nobody new comes in, viewers go one after the other, each with the end of its stream, the
// encoder is told last, and then the process ends with 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	const viewers = 12
	// So long that it is not over before we look, on a machine that has much else to do.
	p := startPump(t, "", "[timeouts]\ndrain = \"8s\"\n"+pushStream("live"))
	e := pushTo(t, p.addr, "live", sampleHeader())
	e.send(t, 'D', layouts[0].packet(0, 0))
	waitLive(t, p.addr, streamPath("live"))
	ended := make(chan error, viewers)
	for range viewers {
		v := watch(t, p.addr, "live", agentOld)
		go func() {
			_, err := v.rest()
			ended <- err
		}()
	}
	begin := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.says(t, "msg=draining viewers=12 for=8s")
	if !poll(patience, func() bool { return refused(t, p.addr) }) {
		t.Error("newcomers are let in")
	}
	for i := range viewers {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("viewer %d: %v", i, err)
			}
			if i == 0 && len(ended) == viewers-1 {
				t.Error("all viewers went at once")
			}
		case <-time.After(patience):
			t.Fatalf("%d viewers are there still, %v after SIGTERM", viewers-i, time.Since(begin))
		}
	}
	if answer := e.answer(t); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the encoder was told %s, want 503", answer.Status)
	}
	<-p.ended // startPump wants 0
}

// refused says whether a newcomer gets 503; one that finds the port closed is too late.
func refused(t *testing.T, addr string) bool {
	t.Helper()
	res, err := http.Get("http://" + addr + "/streams/live")
	if err != nil {
		t.Fatalf("newcomers find nobody: %v", err)
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusServiceUnavailable
}

// A second SIGTERM does not wait for the drain, nor does a SIGINT.
func TestDrainInAHurry(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := startPump(t, "", "[timeouts]\ndrain = \"1h\"\n"+fileStream("demo", ""))
		waitLive(t, p.addr, streamPath("demo"))
		v := watch(t, p.addr, "demo", agentOld)
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.says(t, "msg=draining viewers=1 for=1h0m0s")
		p.cmd.Process.Signal(second)
		select {
		case <-p.ended:
		case <-time.After(stopTime):
			t.Errorf("still running %v after SIGTERM and %v", stopTime, second)
		}
		if _, err := v.rest(); err != nil {
			t.Errorf("the viewer: %v", err)
		}
	}
}
