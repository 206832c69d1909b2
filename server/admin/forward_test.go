package admin

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/server/stream"
	"pumpd/server/view"
)

// What becomes of each forward is on the page, in the API and in the metrics.
func TestForwardsAreShown(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.at = r.at.Add(time.Minute)
	views := make(stream.ForwardViews, 3)
	show := func(v *atomic.Pointer[view.Forward], f view.Forward) { v.Store(&f) }
	show(&views[0], view.Forward{Name: "http://…@a.example/x", State: view.ForwardPushing, Lag: 2500 * time.Millisecond,
		Packets: 1000, Bytes: 500_000, Resent: 7, Skips: 2, Reconnects: 3})
	show(&views[1], view.Forward{Name: "https://b.example/<b>", State: view.ForwardFailed, Failures: 4,
		Again: r.at.Add(500 * time.Millisecond), Last: view.Error{Text: "answers 404 <b>", Cause: "status_404", At: r.at}})
	r.s.Streams.Streams()[0].ShowForwards(views)
	r.at = r.at.Add(250 * time.Millisecond)
	json, page, metrics := r.get("/api/status").Body.String(), r.get("/stream/a").Body.String(), pumpdMetrics(r)
	for text, wants := range map[string][]string{
		json: {`"url": "http://…@a.example/x"`, `"state": "pushing"`, `"lag_seconds": 2.5`, `"packets": 1000`,
			`"bytes": 500000`, `"resent": 7`, `"skips": 2`, `"reconnects": 3`, `"failures": 4`, `"again_seconds": 0.25`,
			`"last_error": "answers 404 \u003cb\u003e"`, `"last_error_seconds": 0.25`},
		page: {`<li class="pushing"><span>pushing</span>to http://…@a.example/x`, " · 2.5 s behind · 7 packets sent again · 2 skips",
			" · 3 reconnects", `<li class="failed"><span>failed</span>to https://b.example/&lt;b&gt;`, " · 4 failed · again in 0.2",
			"<em>answers 404 &lt;b&gt;"},
		metrics: {
			`pumpd_stream_forward_state{forward="http://…@a.example/x",rank="0",state="pushing",stream="a"} 1`,
			`pumpd_stream_forward_state{forward="http://…@a.example/x",rank="0",state="failed",stream="a"} 0`,
			`pumpd_stream_forward_lag_seconds{forward="http://…@a.example/x",rank="0",stream="a"} 2.5`,
			`pumpd_stream_forward_packets_total{forward="http://…@a.example/x",rank="0",stream="a"} 1000`,
			`pumpd_stream_forward_sent_bytes_total{forward="http://…@a.example/x",rank="0",stream="a"} 500000`,
			`pumpd_stream_forward_resent_packets_total{forward="http://…@a.example/x",rank="0",stream="a"} 7`,
			`pumpd_stream_forward_skips_total{forward="http://…@a.example/x",rank="0",stream="a"} 2`,
			`pumpd_stream_forward_reconnects_total{forward="http://…@a.example/x",rank="0",stream="a"} 3`,
			`pumpd_stream_forward_failures{forward="https://b.example/<b>",rank="1",stream="a"} 4`,
			`pumpd_stream_forward_last_error_age_seconds{cause="status_404",forward="https://b.example/<b>",rank="1",stream="a"} 0.25`,
		},
	} {
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	}
	if strings.Contains(metrics, `last_error_age_seconds{cause="",`) || strings.Contains(page, "<b>") {
		t.Error("an error that there was not, or a tag that is none of ours")
	}
}
