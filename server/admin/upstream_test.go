package admin

import (
	"strings"
	"testing"
	"time"

	"pumpd/server/config"
	"pumpd/server/view"
)

// newUpstreamRig has a pull with an upstream that fails and one that waits.
func newUpstreamRig(t *testing.T) *rig {
	r := newRig(t, config.Stream{Path: "a", Type: config.TypePull})
	r.at = r.at.Add(time.Minute)
	r.pull(
		view.Upstream{
			Name: "mmsh://…@a.example/x?…", State: view.Failed, Failures: 1, Again: r.at.Add(500 * time.Millisecond),
			Last: view.Error{Text: "404 <b>", Cause: "status_404", At: r.at},
		},
		view.Upstream{
			Name: "srv:…@_mmsh._tcp.b.example/<i>", State: view.Idle, Again: r.at.Add(-time.Second),
		},
	)
	return r
}

func TestUpstreamsAreShown(t *testing.T) {
	r := newUpstreamRig(t)
	json, page := r.get("/api/status").Body.String(), r.get("/stream/a").Body.String()
	for _, want := range []string{`"state": "failed"`, `"failures": 1`, `"again_seconds": 0.5`, `"state": "idle"`,
		`"again_seconds": null`, `"url": "mmsh://…@a.example/x?…"`, `"url": "srv:…@_mmsh._tcp.b.example/`,
		`"condition": "idle"`, `"last_error": "404 \u003cb\u003e"`, `"last_error_seconds": 0`, `"last_error": ""`,
		`"last_error_seconds": null`} {
		if !strings.Contains(json, want) {
			t.Errorf("no %s in %s", want, json)
		}
	}
	for _, want := range []string{`<li class="failed"><span>failed</span>mmsh://…@a.example/x?…`,
		" · 1 failed · again in 0.5", "<em>404 &lt;b&gt; · 0.0 s ago</em>",
		`<li class="idle"><span>idle</span>srv:…@_mmsh`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	for _, mustNot := range []string{"<b>", "<i>"} {
		if strings.Contains(page, mustNot) {
			t.Errorf("%s in the page", mustNot)
		}
	}
}

// What every upstream does is in the metrics, also where two differ in secrets only, which are not shown.
func TestUpstreamMetrics(t *testing.T) {
	r := newRig(t, config.Stream{Path: "a", Type: config.TypePull})
	r.pull(
		view.Upstream{Name: "mmsh://…@a.example/x?…", State: view.Idle},
		view.Upstream{Name: "mmsh://…@a.example/x?…", State: view.Failed, Failures: 1,
			Last: view.Error{Text: "404 Nothing here", Cause: "status_404", At: r.at}},
	)
	r.at = r.at.Add(1500 * time.Millisecond)
	got := pumpdMetrics(r)
	for _, want := range []string{
		`pumpd_stream_upstream_state{rank="0",state="idle",stream="a",upstream="mmsh://…@a.example/x?…"} 1`,
		`pumpd_stream_upstream_state{rank="0",state="failed",stream="a",upstream="mmsh://…@a.example/x?…"} 0`,
		`pumpd_stream_upstream_state{rank="1",state="failed",stream="a",upstream="mmsh://…@a.example/x?…"} 1`,
		`pumpd_stream_upstream_failures{rank="1",stream="a",upstream="mmsh://…@a.example/x?…"} 1`,
		`pumpd_stream_upstream_last_error_age_seconds{cause="status_404",rank="1",stream="a",upstream="mmsh://…@a.example/x?…"} 1.5`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for _, mustNot := range []string{"Nothing", `cause="",`, `last_error_age_seconds{cause="status_404",rank="0"`} {
		if strings.Contains(got, mustNot) {
			t.Errorf("%s in the metrics", mustNot)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}
