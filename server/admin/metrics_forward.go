package admin

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"pumpd/server/clock"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// What becomes of a stream's forwards. One is told by its URL as it is configured, without what may be secret, and by
// its place in the list.
var (
	forwardStateDesc = forwardMetric("state", "1 for what becomes of a forward.", "state")
	forwardErrorDesc = forwardMetric("last_error_age_seconds", "Since a forward last failed, and why; absent before.",
		"cause")
)

var forwardMetrics = []metric[view.Forward]{
	ofForward("lag_seconds", "How old what the server of a forward is yet to get is.", gauge,
		func(v view.Forward) float64 { return v.Lag.Seconds() }),
	ofForward("packets_total", "Packets that a forward has sent, those sent again included.", counter,
		func(v view.Forward) float64 { return float64(v.Packets) }),
	ofForward("sent_bytes_total", "Bytes that a forward has sent, requests and TLS included.", counter,
		func(v view.Forward) float64 { return float64(v.Bytes) }),
	ofForward("resent_packets_total", "Packets that a forward has sent again after a break.", counter,
		func(v view.Forward) float64 { return float64(v.Resent) }),
	ofForward("skips_total", "Times that a forward went on with a newer key frame.", counter,
		func(v view.Forward) float64 { return float64(v.Skips) }),
	ofForward("reconnects_total", "Connections of a forward that followed one that broke.", counter,
		func(v view.Forward) float64 { return float64(v.Reconnects) }),
	ofForward("failures", "Failures of a forward in a row.", gauge,
		func(v view.Forward) float64 { return float64(v.Failures) }),
}

func forwardMetric(name, help string, more ...string) *prometheus.Desc {
	return streamDesc("forward_"+name, help, append([]string{"forward", "rank"}, more...)...)
}

func ofForward(name, help string, kind prometheus.ValueType, value func(view.Forward) float64) metric[view.Forward] {
	return metric[view.Forward]{forwardMetric(name, help), kind, value}
}

func describeForwards(out chan<- *prometheus.Desc) {
	out <- forwardStateDesc
	out <- forwardErrorDesc
	for _, m := range forwardMetrics {
		out <- m.desc
	}
}

func collectForwards(out chan<- prometheus.Metric, st *stream.Stream, now clock.Instant) {
	for rank, v := range st.Forwards() {
		labels := []string{st.Config().Path, v.Name, strconv.Itoa(rank)}
		with := func(word string) []string { return append(labels[:len(labels):len(labels)], word) }
		for s := view.ForwardWaiting; s <= view.ForwardFailed; s++ {
			out <- prometheus.MustNewConstMetric(forwardStateDesc, gauge, boolean(v.State == s), with(s.String())...)
		}
		for _, m := range forwardMetrics {
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(v), labels...)
		}
		if v.Last.Text != "" {
			age := now.Since(v.Last.At).Seconds()
			out <- prometheus.MustNewConstMetric(forwardErrorDesc, gauge, age, with(v.Last.Cause)...)
		}
	}
}
