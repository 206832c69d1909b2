package admin

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"pumpd/server/clock"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// What feeds a stream, and what its upstreams do. Words out of a short list are labels, each with 0 or 1, so that an
// alert can ask for one of them and a graph has no holes.
var (
	kindDesc      = streamDesc("source_kind", "1 for what feeds the stream now, none of them where nobody does.", "kind")
	conditionDesc = streamDesc("condition", "1 for what an operator is to make of the stream, as on the status page.",
		"condition")
	upstreamDesc  = upstreamMetric("state", "1 for what a pull makes of an upstream.", "state")
	failuresDesc  = upstreamMetric("failures", "Failures of an upstream in a row.")
	lastErrorDesc = upstreamMetric("last_error_age_seconds", "Since an upstream last failed, and why; absent before.",
		"cause")
)

var feedDescs = []*prometheus.Desc{kindDesc, conditionDesc, upstreamDesc, failuresDesc, lastErrorDesc}

// upstreamMetric has the URL as it is configured, without what may be secret, and its place in the list, by which two
// of them differ in any case.
func upstreamMetric(name, help string, more ...string) *prometheus.Desc {
	return streamDesc("upstream_"+name, help, append([]string{"upstream", "rank"}, more...)...)
}

func collectFeed(out chan<- prometheus.Metric, st *stream.Stream, now clock.Instant) {
	f, path := feedOf(st), st.Config().Path
	for kind := range stream.Kinds {
		is := f.fed && f.kind == kind
		out <- prometheus.MustNewConstMetric(kindDesc, gauge, boolean(is), path, kind.String())
	}
	for c := conditionIdle; c <= conditionFailed; c++ {
		out <- prometheus.MustNewConstMetric(conditionDesc, gauge, boolean(f.condition == c), path, c.String())
	}
	for rank, v := range st.Upstreams() {
		collectUpstream(out, v, now, path, v.Name, strconv.Itoa(rank))
	}
}

func collectUpstream(out chan<- prometheus.Metric, v view.Upstream, now clock.Instant, labels ...string) {
	with := func(word string) []string { return append(labels[:len(labels):len(labels)], word) }
	for s := view.Idle; s <= view.Returning; s++ {
		out <- prometheus.MustNewConstMetric(upstreamDesc, gauge, boolean(v.State == s), with(s.String())...)
	}
	out <- prometheus.MustNewConstMetric(failuresDesc, gauge, float64(v.Failures), labels...)
	if v.Last.Text != "" {
		age := now.Since(v.Last.At).Seconds()
		out <- prometheus.MustNewConstMetric(lastErrorDesc, gauge, age, with(v.Last.Cause)...)
	}
}
