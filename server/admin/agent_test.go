package admin

import (
	"io"
	"net"
	"testing"
	"time"

	"pumpd/server/admission"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// agent starts one for the rig's pump.
func (r *rig) agent() *Agent {
	a, err := StartAgent(r.s, "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(a.Close)
	return a
}

// asks connects to an agent, says something and gives the answer, up to FIN.
func asks(t *testing.T, a *Agent, say string) string {
	t.Helper()
	c, err := net.Dial("tcp", a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, say)
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAgentWords(t *testing.T) {
	r := newRigOf(t, func(c *config.Config) { c.Server.ReadyStreams = []string{"a"} }, pushStream("a", ""))
	a := r.agent()
	want := func(want string) {
		t.Helper()
		if got := a.word(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want("down")
	r.begin("127.0.0.1:8086")
	want("down") // a is to be there
	r.feed(0, stream.Push, "192.0.2.1:5000", 1)
	want("up 100% ready")
	r.there.Connections = 37
	want("up 63% ready")
	a.begun = r.at.Add(-readyTime)
	want("up 63%")
	r.crowd() // 1 of 10 viewers
	want("up 63%")
	r.there.Connections = 0
	want("up 90%")
	r.ledger.Shut(admission.Quota, true)
	want("up 0%")
	r.drain()
	want("drain")
	r.halt()
	want("down")
}

// The answer comes, and the end, whatever is sent meanwhile.
func TestAgentAnswers(t *testing.T) {
	r := newRig(t)
	r.begin("127.0.0.1:8086")
	a := r.agent()
	for _, say := range []string{"", "pumps/a\n"} {
		if got := asks(t, a, say); got != "up 100% ready\n" {
			t.Errorf("got %q", got)
		}
	}
}

// Those who ask and do not go keep nobody else waiting for long, and not the end.
func TestAgentWithIdlers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.agent()
	for range MaxAgentConns {
		c, err := net.Dial("tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if got := asks(t, a, ""); got != "down\n" {
		t.Errorf("got %q", got)
	}
}
