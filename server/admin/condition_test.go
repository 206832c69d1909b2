package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// A told is what page, API, metrics and readyz tell of a stream.
type told struct {
	Condition string
	Kind      string `json:"source_kind"`
	Up        bool   `json:"source_up"`
}

// check asks all of them about stream 0 and wants them to agree.
func (r *rig) check(want told) {
	r.t.Helper()
	path := r.s.Streams.Streams()[0].Config().Path
	var got told
	if err := json.Unmarshal(r.get("/api/streams/"+path).Body.Bytes(), &got); err != nil || got != want {
		r.t.Errorf("API: %+v, %v, want %+v", got, err, want)
	}
	page := r.get("/stream/" + path).Body.String()
	for _, text := range []string{fmt.Sprintf(`<article class="%s">`, want.Condition),
		fmt.Sprintf(`<span class="state">%s</span>`, want.Condition)} {
		if !strings.Contains(page, text) {
			r.t.Errorf("no %s in the page, want %+v", text, want)
		}
	}
	metrics := pumpdMetrics(r)
	for kind := range stream.Kinds {
		line := fmt.Sprintf("pumpd_stream_source_kind{kind=\"%s\",stream=\"%s\"} %v\n", kind, path,
			boolean(kind.String() == want.Kind))
		if !strings.Contains(metrics, line) {
			r.t.Errorf("no %s in the metrics, want %+v", line, want)
		}
	}
	for _, line := range []string{
		fmt.Sprintf("pumpd_stream_source_up{stream=\"%s\"} %v\n", path, boolean(want.Up)),
		fmt.Sprintf("pumpd_stream_condition{condition=\"%s\",stream=\"%s\"} 1\n", want.Condition, path),
	} {
		if !strings.Contains(metrics, line) {
			r.t.Errorf("no %s in the metrics, want %+v", line, want)
		}
	}
}

// slate gives stream 0 its slate, which plays a packet.
func (r *rig) slate() *stream.Source {
	r.t.Helper()
	s := r.s.Streams.Streams()[0].ClaimVacant(stream.Claim{Kind: stream.Slate, Who: "builtin", Evict: func() {}}, 0)
	if s == nil {
		r.t.Fatal("the slate does not get the stream")
	}
	if err := s.Header(asftest.Header(asftest.PacketSize, 640)); err != nil {
		r.t.Fatal(err)
	}
	r.play(s, 1000)
	return s
}

func (r *rig) play(s *stream.Source, number uint32) {
	r.t.Helper()
	if err := s.Packet(asftest.Packet(number, number*40, true, asftest.PacketSize, 500)); err != nil {
		r.t.Fatal(err)
	}
}

// pull says what a pull makes of its upstreams.
func (r *rig) pull(views ...view.Upstream) { r.s.Streams.Streams()[0].ShowUpstreams(views) }

func TestConditionOfPush(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.begin("127.0.0.1:8086")
	r.check(told{"idle", "none", false})
	src := r.feed(0, stream.Push, "192.0.2.1:5", 1)
	r.check(told{"live", "push", true})
	r.at = r.at.Add(quietTime - time.Millisecond)
	r.check(told{"live", "push", true})
	r.at = r.at.Add(time.Millisecond)
	r.check(told{"silent", "push", false}) // its encoder is connected, and that is all
	r.play(src, 2)
	r.check(told{"live", "push", true})
	src.Lost(io.EOF)
	r.check(told{"orphaned", "none", false})

	slate := r.slate()
	r.check(told{"slate", "slate", false})
	r.at = r.at.Add(time.Hour)
	r.play(slate, 2000)
	r.check(told{"slate", "slate", false})
	if age, _ := r.s.Streams.Streams()[0].Silence(); age < time.Hour {
		t.Errorf("the last packet is %v old: the slate's counts", age)
	}
	if n := r.s.Streams.Streams()[0].Stats().PacketsIn.Load(); n != 2 {
		t.Errorf("%d packets received, want the encoder's 2", n)
	}
	slate.Yield()

	back := r.feed(0, stream.Push, "192.0.2.1:5", 0) // a header is no stream
	r.check(told{"silent", "push", false})
	r.play(back, 3000)
	r.check(told{"live", "push", true})
	back.End()
	r.check(told{"idle", "none", false})
}

func TestConditionOfPull(t *testing.T) {
	failed := view.Upstream{Name: "mmsh://a.example/", State: view.Failed, Failures: 3}
	again := view.Upstream{Name: "mmsh://a.example/", State: view.Connecting, Failures: 3}
	fresh := view.Upstream{Name: "mmsh://b.example/", State: view.Connecting}
	standby := view.Upstream{Name: "mmsh://b.example/", State: view.Standby, Failures: 1}
	r := newRig(t, config.Stream{Path: "a", Type: config.TypePull})
	r.begin("127.0.0.1:8086")
	r.check(told{"idle", "none", false})
	r.pull(fresh)
	r.check(told{"idle", "none", false})
	r.pull(failed)
	r.check(told{"failed", "none", false})
	r.pull(again) // that it is being asked again is no better
	r.check(told{"failed", "none", false})
	r.pull(failed, fresh)
	r.check(told{"idle", "none", false})
	r.pull(failed, standby)
	r.check(told{"idle", "none", false})

	r.pull(failed, again)
	slate := r.slate()
	r.check(told{"failed", "slate", false}) // viewers see the slate, and nobody mends it by himself
	r.pull(failed, standby)
	r.check(told{"slate", "slate", false})
	slate.Yield()
	src := r.feed(0, stream.Pull, "mmsh://b.example/", 1)
	r.check(told{"live", "pull", true})
	src.Lost(io.EOF)
	r.check(told{"orphaned", "none", false})
	r.pull(failed, failed)
	r.check(told{"failed", "none", false})
}

func TestConditionOfFile(t *testing.T) {
	r := newRig(t, config.Stream{Path: "a", Type: config.TypeFile})
	r.begin("127.0.0.1:8086")
	fault := view.NewError(fmt.Errorf("open <b>: %w", io.ErrUnexpectedEOF), "", r.at)
	r.s.Streams.Streams()[0].Fail(fault)
	r.check(told{"failed", "none", false})
	page := r.get("/stream/a").Body.String()
	if !strings.Contains(page, `<p class="error">open &lt;b&gt;: unexpected EOF</p>`) {
		t.Errorf("the page does not say why: %s", page)
	}
	r.feed(0, stream.File, "x.wmv", 1)
	r.check(told{"live", "file", true})
	if page := r.get("/stream/a").Body.String(); strings.Contains(page, "unexpected EOF") {
		t.Error("the page has an error that is over")
	}
}

// A stream with a packet every few seconds is not silent in between.
func TestConditionOfSlowStream(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	st := r.s.Streams.Streams()[0]
	r.feed(0, stream.Push, "x", 1)
	if got := patienceWith(st); got != quietTime { // 300 kbit/s
		t.Errorf("silent after %v, want %v", got, quietTime)
	}
	st.Header().PacketSize = 60_000
	if got, want := patienceWith(st), 4*8*60_000*time.Second/300_000; got != want {
		t.Errorf("silent after %v, want %v", got, want)
	}
	st.Header().Streams[0].Bitrate = 1
	if got := patienceWith(st); got != longestQuiet {
		t.Errorf("silent after %v, want %v", got, longestQuiet)
	}
}

func TestReadyStreams(t *testing.T) {
	r := newRigOf(t, func(c *config.Config) { c.Server.ReadyStreams = []string{"A", "demand"} },
		pushStream("a", ""), pushStream("b", ""), config.Stream{Path: "demand", Type: config.TypePull, OnDemand: true})
	check := func(code int, want string) {
		t.Helper()
		if w := r.get("/readyz"); w.Code != code || w.Body.String() != want {
			t.Errorf("readyz: %d, %q, want %d, %q", w.Code, w.Body, code, want)
		}
	}
	check(503, "starting\ndown a idle\n")
	r.begin("127.0.0.1:8086")
	check(503, "not ready\ndown a idle\n")
	src := r.feed(0, stream.Push, "x", 1)
	check(200, "ready\nup a live\n")
	src.Lost(io.EOF)
	check(503, "not ready\ndown a orphaned\n")
	slate := r.slate()
	check(503, "not ready\ndown a slate\n")
	slate.Yield()
	r.feed(0, stream.Push, "x", 1)
	failed := []view.Upstream{{State: view.Failed, Failures: 1}}
	r.s.Streams.Streams()[2].ShowUpstreams(failed)
	check(503, "not ready\nup a live\ndown demand failed\n")
	r.s.Streams.Streams()[2].ShowUpstreams([]view.Upstream{{State: view.Idle}})
	check(200, "ready\nup a live\n")
	r.halt()
	check(503, "stopping\nup a live\n")
}
