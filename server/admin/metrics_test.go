package admin

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/tally"
)

// pumpdMetrics are the lines of ours that Prometheus would get.
func pumpdMetrics(r *rig) string {
	var ours []string
	for line := range strings.Lines(r.get("/metrics").Body.String()) {
		if strings.Contains(line, "pumpd_") {
			ours = append(ours, line)
		}
	}
	return strings.Join(ours, "")
}

func TestMetrics(t *testing.T) {
	r := newRig(t, pushStream("a", ""), pushStream("b", ""), pushStream("C.d-e", ""))
	src := r.feed(0, stream.Push, "192.0.2.1:5000", 10)
	src.Packet([]byte("bad"))
	r.feed(1, stream.Push, "192.0.2.2:5000", 1).Lost(io.EOF)
	r.there.Connections = 5
	r.there.Refused, r.there.Banned = 6, 8
	r.there.Sends = 70
	r.there.Rounds = 8
	r.there.LogLost = 9
	r.there.AccessLost = 19
	r.there.Players = []Players{{"vlc", true, 7, 6, 5}}
	r.there.Certificates = []Certificate{{"pump.crt", time.Unix(1795737600, 0)}}
	r.there.Unknown = &tally.Statuses{}
	r.there.Unknown.Count(404)
	r.there.FirstByte = tally.View{Count: 3, Sum: 0.5, Upto: map[float64]uint64{0.25: 2}}
	r.there.Line = line.View{Configured: 2.5e6, Carries: 1.5e6, Demand: 1e6, Owed: 3, Full: true, Live: 4, Bursts: 5}
	r.reload = Reload{Loaded: time.Unix(1700000000, 0), Restart: []string{"server.loops"}}
	r.there.Ended[reason.BadRequest] = 9
	if strings.Contains(pumpdMetrics(r), "pumpd_quota") {
		t.Error("a quota where there is none")
	}
	r.there.Quota = &Quota{Limit: 160e9, Used: 5e9, Ends: time.Unix(1795737600, 0)}
	st := r.s.Streams.Streams()[0].Stats()
	st.Viewers.Store(3)
	st.Held.Store(2)
	st.Joined.Store(12)
	st.Denied.Store(13)
	st.PushesDenied.Store(14)
	st.WrongPasswords.Store(15)
	st.Switches.Store(11)
	st.Behind.Store(21)
	st.Blocked.Store(22)
	st.WrongViewers.Store(23)
	st.Refused.Count(503)
	st.BytesOut.Store(1 << 53)
	st.Skips.Store(2)
	st.SkippedPackets.Store(4)
	st.Left[reason.Stalled].Store(1)
	st.Reported().Bufferings.Observe(3, 1)
	st.Reported().Buffering.Observe(17, 1)
	st.Reported().Lost.Observe(0, 1)
	st.Reported().Received.Observe(0.99, 1)
	st.Reported().Rate.Observe(80000, 1)
	r.at = r.at.Add(1500 * time.Millisecond)
	got := pumpdMetrics(r)
	for _, want := range []string{
		`pumpd_build_info{version="v1.2.3"} 1`,
		"pumpd_connections 5",
		"pumpd_connection_limit 100",
		"pumpd_connections_refused_total 6",
		"pumpd_connections_banned_total 8",
		`pumpd_stream_pushes_denied_total{stream="a"} 14`,
		`pumpd_stream_push_wrong_passwords_total{stream="a"} 15`,
		"pumpd_sends_total 70",
		"pumpd_rounds_total 8",
		"pumpd_log_lines_lost_total 9",
		"pumpd_access_log_lines_lost_total 19",
		`pumpd_viewers{dialect="vlc",tls="true"} 7`,
		`pumpd_viewers_behind{dialect="vlc",tls="true"} 6`,
		`pumpd_viewers_blocked{dialect="vlc",tls="true"} 5`,
		`pumpd_certificate_expiry_timestamp_seconds{file="pump.crt"} 1.7957376e+09`,
		`pumpd_requests_refused_total{status="404",stream=""} 1`,
		`pumpd_requests_refused_total{status="503",stream="a"} 1`,
		`pumpd_requests_refused_total{status="503",stream="b"} 0`,
		`pumpd_viewer_first_byte_seconds_bucket{le="0.25"} 2`,
		`pumpd_viewer_first_byte_seconds_bucket{le="+Inf"} 3`,
		"pumpd_viewer_first_byte_seconds_sum 0.5",
		"pumpd_viewer_lag_seconds_count 0",
		"pumpd_viewer_session_seconds_count 0",
		"pumpd_round_duration_seconds_count 0",
		`pumpd_stream_info{on_demand="false",stream="a",title="a",type="mmsh_push"} 1`,
		`pumpd_stream_viewers_behind{stream="a"} 21`,
		`pumpd_stream_viewers_blocked{stream="a"} 22`,
		`pumpd_stream_view_wrong_passwords_total{stream="a"} 23`,
		"pumpd_line_configured_bytes_per_second 2.5e+06",
		"pumpd_line_carries_bytes_per_second 1.5e+06",
		"pumpd_line_demand_bytes_per_second 1e+06",
		"pumpd_line_owed_bytes 3",
		"pumpd_line_full 1",
		"pumpd_line_live_bytes_total 4",
		"pumpd_line_burst_bytes_total 5",
		"pumpd_config_last_reload_successful 0",
		"pumpd_config_last_reload_success_timestamp_seconds 1.7e+09",
		"pumpd_config_restart_needed 1",
		"pumpd_quota_bytes 1.6e+11",
		"pumpd_quota_used_bytes 5e+09",
		"pumpd_quota_end_timestamp_seconds 1.7957376e+09",
		`pumpd_connections_ended_total{reason="bad_request"} 9`,
		`pumpd_connections_ended_total{reason="stalled"} 0`,
		`pumpd_stream_up{stream="a"} 1`,
		`pumpd_stream_up{stream="b"} 1`,
		`pumpd_stream_up{stream="C.d-e"} 0`,
		`pumpd_stream_live{stream="a"} 1`,
		`pumpd_stream_live{stream="b"} 0`,
		`pumpd_stream_live{stream="C.d-e"} 0`,
		`pumpd_stream_source_up{stream="a"} 1`,
		`pumpd_stream_source_up{stream="b"} 0`,
		`pumpd_stream_source_kind{kind="push",stream="a"} 1`,
		`pumpd_stream_source_kind{kind="slate",stream="a"} 0`,
		`pumpd_stream_source_kind{kind="push",stream="b"} 0`,
		`pumpd_stream_condition{condition="live",stream="a"} 1`,
		`pumpd_stream_condition{condition="orphaned",stream="b"} 1`,
		`pumpd_stream_viewers{stream="a"} 3`,
		`pumpd_stream_viewers_waiting{stream="a"} 2`,
		`pumpd_stream_viewers_joined_total{stream="a"} 12`,
		`pumpd_stream_viewers_denied_total{stream="a"} 13`,
		`pumpd_stream_upstream_switches_total{stream="a"} 11`,
		`pumpd_stream_viewers_left_total{reason="stalled",stream="a"} 1`,
		`pumpd_stream_viewers_left_total{reason="stalled",stream="b"} 0`,
		`pumpd_stream_declared_bytes_per_second{stream="a"} 37500`,
		`pumpd_stream_declared_bytes_per_second{stream="C.d-e"} 0`,
		`pumpd_stream_received_packets_total{stream="a"} 10`,
		`pumpd_stream_bad_packets_total{stream="a"} 1`,
		`pumpd_stream_packets_before_key_total{stream="a"} 4`,
		`pumpd_stream_generations_total{stream="a"} 1`,
		`pumpd_stream_sent_bytes_total{stream="a"} 9.007199254740992e+15`,
		`pumpd_stream_viewer_skips_total{stream="a"} 2`,
		`pumpd_stream_last_packet_age_seconds{stream="a"} 1.5`,
		`pumpd_stream_player_bufferings_bucket{stream="a",le="3"} 1`,
		`pumpd_stream_player_bufferings_bucket{stream="a",le="2"} 0`,
		`pumpd_stream_player_bufferings_sum{stream="a"} 3`,
		`pumpd_stream_player_buffering_seconds_bucket{stream="a",le="20"} 1`,
		`pumpd_stream_player_buffering_seconds_sum{stream="a"} 17`,
		`pumpd_stream_player_lost_packets_bucket{stream="a",le="0"} 1`,
		`pumpd_stream_player_received_ratio_bucket{stream="a",le="0.98"} 0`,
		`pumpd_stream_player_received_ratio_bucket{stream="a",le="0.99"} 1`,
		`pumpd_stream_player_received_bytes_per_second_bucket{stream="a",le="125000"} 1`,
		`pumpd_stream_player_received_bytes_per_second_count{stream="a"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
	if strings.Contains(got, `pumpd_stream_player_bufferings_count{stream="b"}`) {
		t.Error("reports of players where there were none")
	}
	if strings.Contains(got, `age_seconds{stream="C.d-e"}`) {
		t.Error("age of the last packet where there was none")
	}
	if strings.Contains(got, "192.0.2.") {
		t.Error("an address in the metrics: there is no end of them")
	}
	for _, m := range regexp.MustCompile(`[{,](\w+)="`).FindAllStringSubmatch(got, -1) {
		if !slices.Contains([]string{"stream", "reason", "version", "kind", "condition", "limit", "le", "status",
			"dialect", "tls", "file", "type", "title", "on_demand"}, m[1]) {
			t.Errorf("label %s", m[1])
		}
	}
}

// The names, units and types are as Prometheus wants them, and its parser takes all of it.
func TestMetricsLint(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.feed(0, stream.Push, "x", 1)
	r.s.Streams.Streams()[0].Stats().Reported().Buffering.Observe(1, 1)
	problems, err := promlint.New(strings.NewReader(pumpdMetrics(r))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsOfTheProcess(t *testing.T) {
	got := newRig(t).get("/metrics").Body.String()
	for _, want := range []string{"\ngo_goroutines ", "\nprocess_open_fds ", "\nprocess_resident_memory_bytes ",
		"\ngo_gc_duration_seconds_count "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", strings.TrimSpace(want))
		}
	}
}
