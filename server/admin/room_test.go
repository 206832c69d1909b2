package admin

import (
	"net/netip"
	"strings"
	"testing"

	"pumpd/server/admission"
	"pumpd/server/config"
)

// crowd has the ledger let one viewer of the first stream in and refuse another one: two of the stream may watch, and
// ten of all.
func (r *rig) crowd() {
	r.ledger.SetLimits(admission.Limits{Viewers: 10})
	r.ledger.SetStream(1, admission.StreamLimits{})
	r.ledger.SetStream(0, admission.StreamLimits{Viewers: 1})
	ask := admission.Ask{From: netip.MustParseAddr("192.0.2.1"), Declared: 300e3, Packet: 1400}
	for range 2 {
		r.ledger.Enter(ask)
	}
	r.ledger.SetStream(0, admission.StreamLimits{Viewers: 2})
}

func TestRoomInMetrics(t *testing.T) {
	r := newRig(t, pushStream("a", ""), pushStream("b", ""))
	none := pumpdMetrics(r)
	for _, absent := range []string{"_limit ", "usable", "headroom"} {
		if strings.Contains(none, "admitted_"+absent) || strings.Contains(none, "pumpd_admitted_viewers_limit") {
			t.Errorf("%s without a limit", absent)
		}
	}
	r.crowd()
	r.ledger.SetUplink(20e6)
	got := pumpdMetrics(r)
	for _, want := range []string{
		"pumpd_admitted_viewers 1",
		"pumpd_admitted_viewers_limit 10",
		"pumpd_admitted_bandwidth_bytes_per_second 37500",
		"pumpd_admitted_line_bytes_per_second 39214.25",
		"pumpd_admitted_line_usable_bytes_per_second 2.5e+06",
		"pumpd_admitted_headroom_viewers 9",
		`pumpd_refused_total{limit="stream_max_viewers",stream="a"} 1`,
		`pumpd_refused_total{limit="uplink",stream="b"} 0`,
		`pumpd_stream_viewer_bytes_per_second{stream="a"} 37500`,
		`pumpd_stream_headroom_viewers{stream="a"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestRoomOnThePage(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.crowd()
	r.ledger.SetUplink(20e6)
	r.ledger.Shut(admission.Quota, true)
	page := r.get("/").Body.String() + r.get("/stream/a").Body.String()
	for _, want := range []string{"1 of 10", "314 kbit/s of 20.0 Mbit/s", "<dt>room for</dt><dd>0 more</dd>",
		"<dt>refused by stream_max_viewers</dt><dd>1</dd>", "<dt>a viewer takes</dt><dd>300 kbit/s</dd>",
		"refused: stream_max_viewers 1", "<dt>lets nobody in</dt><dd>quota</dd>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestReadyHeadroom(t *testing.T) {
	r := newRigOf(t, func(c *config.Config) { c.Server.ReadyHeadroom = 10 }, pushStream("a", ""))
	r.begin("127.0.0.1:8086")
	check := func(code int, text string) {
		t.Helper()
		if got := r.get("/readyz"); got.Code != code || got.Body.String() != text {
			t.Errorf("%d %q, want %d %q", got.Code, got.Body, code, text)
		}
	}
	check(200, "ready\n")
	r.crowd()
	check(503, "not ready\nfull: room for 9 viewers, ready_headroom is 10\n")
	r.ledger.SetLimits(admission.Limits{Viewers: 11})
	check(200, "ready\n")
}
