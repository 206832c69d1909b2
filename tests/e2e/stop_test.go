package e2e

import (
	"errors"
	"io"
	"net/http"
	"testing"
)

// SIGTERM ends the stream of every viewer properly: $E(0) and FIN for MMSH, FIN between two packets for raw ASF, also
// behind a second pump. An encoder is told by a status. The process ends with 0 in time.
func TestStop(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", fileStream("demo", "")+pushStream("live"))
	e := pushTo(t, p.addr, "live", sampleHeader())
	e.send(t, 'D', layouts[0].packet(0, 0))
	waitLive(t, p.addr, streamPath("demo"))
	waitLive(t, p.addr, streamPath("live"))
	var viewers []*viewer
	for _, agent := range []string{agentOld, agentVLC, agentWMP, agentHTTP} {
		for _, stream := range []string{"demo", "live"} {
			v := watch(t, p.addr, stream, agent)
			v.name += " on " + stream
			viewers = append(viewers, v)
		}
	}
	if took, willing := p.terminate(stopTime); !willing {
		t.Errorf("still running %v after SIGTERM", took)
	}
	for _, v := range viewers {
		if _, err := v.rest(); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	answer := e.answer(t)
	if answer.StatusCode < http.StatusBadRequest {
		t.Errorf("the encoder was told %s, want an error status", answer.Status)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Errorf("the encoder's answer: %v", err)
	}
	if b, err := e.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the encoder's answer: byte %#x, error %v, want FIN", b, err)
	}
}

// The end of a stream passes through a pump that pulls it, at the latest when its grace for a lost source is over.
func TestStopReachesTheSecondPump(t *testing.T) {
	t.Parallel()
	first := startPump(t, "", fileStream("demo", ""))
	waitLive(t, first.addr, streamPath("demo"))
	second := startPump(t, shortGrace, pullStream("again", first.url("mmsh", "demo")))
	waitLive(t, second.addr, streamPath("again"))
	v := watch(t, second.addr, "again", agentOld)
	if _, willing := first.terminate(stopTime); !willing {
		t.Errorf("the first pump still runs %v after SIGTERM", stopTime)
	}
	if _, err := v.rest(); err != nil {
		t.Errorf("behind two pumps: %v", err)
	}
}
