package e2e

import (
	"bytes"
	"io"
	"testing"
)

// Describe and Play serve the same header, the length of the one that was pushed; only what makes it a live stream may
// differ: the flags, counts and durations in File Properties and the size in the Data Object.
func TestHeaderArrives(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", pushStream("live"))
	pushed := sampleHeader()
	e := pushTo(t, p.addr, "live", pushed)
	e.send(t, 'D', layouts[0].packet(0, 0))
	waitLive(t, p.addr, streamPath("live"))

	answer, conn, in, err := get(p.addr, streamPath("live"), agentOld, "Pragma: no-cache,request-context=1\r\n")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body, err := io.ReadAll(in)
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	if answer.ContentLength != int64(len(body)) || len(body) != 12+len(pushed) {
		t.Errorf("Describe: Content-Length %d, body %d, want both %d", answer.ContentLength, len(body), 12+len(pushed))
	}
	for _, agent := range []string{agentOld, agentVLC, agentWMP, agentHTTP} {
		v := watch(t, p.addr, "live", agent)
		if !bytes.Equal(v.header, body[min(12, len(body)):]) {
			t.Errorf("%s: Play has another header than Describe", agent)
		}
		if got, want := maskLive(v.header), maskLive(pushed); !bytes.Equal(got, want) {
			t.Errorf("%s: header\ngot  %x\nwant %x", agent, got, want)
		}
	}
}

// maskLive blanks what publishing may change. The sample's File Properties are its first child.
func maskLive(header []byte) []byte {
	b := bytes.Clone(header)
	if len(b) < 30+104+50 {
		return b
	}
	clear(b[30+56 : 30+80]) // packets, durations
	clear(b[30+88 : 30+92]) // flags
	clear(b[len(b)-34 : len(b)-26])
	clear(b[len(b)-10 : len(b)-2])
	return b
}
