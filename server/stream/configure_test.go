package stream

import (
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
)

// Another burst counts from the next packet on, in the middle of a generation, and so does strip_padding.
func TestConfigureWhileItRuns(t *testing.T) {
	f := newStudio(t, func(c *config.Server) { c.Burst = config.Burst{Length: config.Duration(3 * time.Second)} })
	f.header(320)
	f.publish(250)
	if back := f.st.Backlog(); back > 3*time.Second {
		t.Fatalf("%v back, want 3s at the most", back)
	}
	server := config.Default().Server
	server.Burst, server.StripPadding = config.Burst{Length: config.Duration(time.Second)}, false
	cfg := &config.Stream{Path: "a", Title: "A"}
	f.st.Configure(cfg, &server)
	f.publish(1)
	if back := f.st.Backlog(); f.st.Config() != cfg || back > time.Second {
		t.Errorf("%v back, want 1s at the most", back)
	}
	if e := f.st.chain.last; len(e.short) != asftest.PacketSize {
		t.Errorf("a packet of %d bytes, want %d with its padding", len(e.short), asftest.PacketSize)
	}
	server.Burst.Length = config.Duration(10 * time.Second)
	f.st.Configure(cfg, &server)
	f.publish(250)
	if back := f.st.Backlog(); back < 9*time.Second {
		t.Errorf("%v back, want some 10s", back)
	}
	if headers, _ := f.published(); headers != 1 {
		t.Errorf("%d generations, want one", headers)
	}
}

// Nobody gets the claim of a stream that is no more, and it is over when its source has let go, however that was meant.
func TestRetire(t *testing.T) {
	for _, how := range []func(*Source){(*Source).Yield, (*Source).End} {
		f := newStudio(t, nil)
		f.header(320)
		f.publish(1)
		f.st.Retire()
		if f.st.State() != Live {
			t.Errorf("%v while its source is there, want live", f.st.State())
		}
		how(f.src)
		if f.st.State() != Idle || f.st.Joins() != nil || f.st.chain.last.kind != EndElement {
			t.Errorf("%v without its source, want idle behind the end", f.st.State())
		}
		if _, err := f.st.Claim(Claim{Kind: File}); err != ErrBusy {
			t.Errorf("a claim: %v, want %v", err, ErrBusy)
		}
		if _, _, err := f.st.Inherit(Claim{Kind: Push}, nil); err != ErrBusy {
			t.Errorf("an inheritance: %v, want %v", err, ErrBusy)
		}
	}
	f := newStudio(t, nil)
	f.header(320)
	f.publish(1)
	f.src.Yield()
	if f.st.Retire(); f.st.Joins() != nil {
		t.Error("it has viewers wait")
	}
}
