package admin

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// newMetrics has pumpd's metrics and those of Go and the process. It is a registry of its own, so that nothing that a
// library adds to the default one gets in.
func newMetrics(s *Subject) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collector{s},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return r
}

// A collector reads the counters when it is asked for them; nothing is counted for Prometheus in particular. There is a
// label for the stream and one for the reason, and none for viewers: their number is without bounds.
type collector struct{ s *Subject }

// A metric is one value of a T. T is the counters of the pump, or a stream, whose path is then the label.
type metric[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) float64
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

func ofPump(name, help string, kind prometheus.ValueType, value func(Counters) float64) metric[Counters] {
	return metric[Counters]{prometheus.NewDesc("pumpd_"+name, help, nil, nil), kind, value}
}

func ofStream(name, help string, kind prometheus.ValueType, value func(*stream.Stream) float64) metric[*stream.Stream] {
	return metric[*stream.Stream]{streamDesc(name, help), kind, value}
}

func streamDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("pumpd_stream_"+name, help, append([]string{"stream"}, more...), nil)
}

var pumpMetrics = []metric[Counters]{
	ofPump("connections", "Open connections: viewers, encoders and any other.", gauge,
		func(n Counters) float64 { return float64(n.Connections) }),
	ofPump("connection_limit", "Connections that fit under the limits of configuration and descriptors.", gauge,
		func(n Counters) float64 { return float64(n.Limit) }),
	ofPump("connections_refused_total", "Connections over the limit.", counter,
		func(n Counters) float64 { return float64(n.Refused) }),
	ofPump("connections_banned_total", "Connections from networks that the admin has banned.", counter,
		func(n Counters) float64 { return float64(n.Banned) }),
	ofPump("sends_total", "System calls that sent packets to viewers.", counter,
		func(n Counters) float64 { return float64(n.Sends) }),
	ofPump("rounds_total", "Rounds in which a loop offered news to its viewers.", counter,
		func(n Counters) float64 { return float64(n.Rounds) }),
	ofPump("log_lines_lost_total", "Lines that the log did not take in time, or not at all.", counter,
		func(n Counters) float64 { return float64(n.LogLost) }),
	ofPump("access_log_lines_lost_total", "Lines that the access log did not take in time, or not at all.", counter,
		func(n Counters) float64 { return float64(n.AccessLost) }),
}

var streamMetrics = []metric[*stream.Stream]{
	ofStream("up", "1 if viewers can be served.", gauge,
		func(st *stream.Stream) float64 { return boolean(st.Up() != nil) }),
	ofStream("live", "1 if a source or the slate feeds the stream; 0 while up means that it is orphaned.", gauge,
		func(st *stream.Stream) float64 { return boolean(st.State() == stream.Live) }),
	ofStream("source_up", "1 if the stream's own source feeds it and packets come; not by its slate.", gauge,
		func(st *stream.Stream) float64 { return boolean(feedOf(st).up()) }),
	ofStream("viewers", "Viewers now.", gauge,
		func(st *stream.Stream) float64 { return float64(st.Stats().Viewers.Load()) }),
	ofStream("viewers_waiting", "Viewers that wait for the stream to come up.", gauge,
		func(st *stream.Stream) float64 { return float64(st.Stats().Held.Load()) }),
	ofStream("viewers_behind", "Viewers that lack what others have been sent already.", gauge,
		func(st *stream.Stream) float64 { return float64(st.Stats().Behind.Load()) }),
	ofStream("viewers_blocked", "Viewers whose socket takes nothing at present.", gauge,
		func(st *stream.Stream) float64 { return float64(st.Stats().Blocked.Load()) }),
	ofStream("view_wrong_passwords_total", "Wrong passwords of viewers.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().WrongViewers.Load()) }),
	ofStream("viewers_joined_total", "Viewers that ever were.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().Joined.Load()) }),
	ofStream("viewers_denied_total", "Requests of viewers that were told 401 or 403, or could not be checked.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().Denied.Load()) }),
	ofStream("declared_bytes_per_second", "Rate that the source's header declares, 0 without a header.", gauge,
		func(st *stream.Stream) float64 { return float64(declared(st)) / 8 }),
	ofStream("received_packets_total", "Packets from the source, none of the slate.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().PacketsIn.Load()) }),
	ofStream("received_bytes_total", "Bytes of packets as the source sent them.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().BytesIn.Load()) }),
	ofStream("bad_packets_total", "Packets dropped because they do not fit the header.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().BadPackets.Load()) }),
	ofStream("packets_before_key_total", "Packets dropped before a source's first key frame.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().SkippedPackets.Load()) }),
	ofStream("pushes_denied_total", "Requests of encoders that may not push, or have not shown that they may.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().PushesDenied.Load()) }),
	ofStream("push_wrong_passwords_total", "Wrong passwords of encoders.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().WrongPasswords.Load()) }),
	ofStream("generations_total", "Headers, or breaks in time, that viewers had to cross.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().Generations.Load()) }),
	ofStream("upstream_switches_total", "Times that a pull turned from one upstream to another without an outage.",
		counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().Switches.Load()) }),
	ofStream("sent_bytes_total", "Bytes of replies and packets that viewers' sockets took.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().BytesOut.Load()) }),
	ofStream("viewer_skips_total", "Times that a slow viewer was moved to a newer key frame.", counter,
		func(st *stream.Stream) float64 { return float64(st.Stats().Skips.Load()) }),
}

// Metrics that do not fit the tables: they have another label, or are not always there.
var (
	buildDesc = prometheus.NewDesc("pumpd_build_info", "1, with the version as a label.", []string{"version"}, nil)
	endedDesc = prometheus.NewDesc("pumpd_connections_ended_total", "Connections that ended, by reason.",
		[]string{"reason"}, nil)
	leftDesc   = streamDesc("viewers_left_total", "Viewers that left, by reason.", "reason")
	reloadDesc = prometheus.NewDesc("pumpd_config_last_reload_successful",
		"1 if the configuration was taken when it was last loaded, 0 if the reload was refused.", nil, nil)
	loadedDesc = prometheus.NewDesc("pumpd_config_last_reload_success_timestamp_seconds",
		"When the configuration was last taken, at the start or by a reload.", nil, nil)
	restartDesc = prometheus.NewDesc("pumpd_config_restart_needed",
		"Keys of the configuration that were reloaded and count from the next start on.", nil, nil)
	ageDesc = streamDesc("last_packet_age_seconds", "Since the last packet from the source; absent before the first.")
)

func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range slices.Concat(pumpMetrics, lineMetrics) {
		out <- m.desc
	}
	for _, m := range streamMetrics {
		out <- m.desc
	}
	own := []*prometheus.Desc{buildDesc, endedDesc, leftDesc, ageDesc, reloadDesc, loadedDesc, restartDesc}
	for _, d := range slices.Concat(feedDescs, roomDescs, quotaDescs, playerDescs, own) {
		out <- d
	}
	describeForwards(out)
}

func (c collector) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(buildDesc, gauge, 1, c.s.Version)
	n := c.s.Counters()
	for _, m := range slices.Concat(pumpMetrics, lineMetrics) {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(n))
	}
	room := c.s.Room()
	collectRoom(out, &room)
	collectQuota(out, n.Quota)
	collectPlayers(out, n)
	last := c.s.Reload()
	out <- prometheus.MustNewConstMetric(reloadDesc, gauge, boolean(last.OK))
	out <- prometheus.MustNewConstMetric(loadedDesc, gauge, float64(last.Loaded.UnixMilli())/1000)
	out <- prometheus.MustNewConstMetric(restartDesc, gauge, float64(len(last.Restart)))
	collectReasons(out, endedDesc, func(why reason.Reason) uint64 { return n.Ended[why] })
	for _, st := range c.s.Streams.Streams() {
		collectStream(out, st, c.s.Clock.Now())
		collectStreamRoom(out, st, room.Streams[st.ID()])
	}
}

func collectStream(out chan<- prometheus.Metric, st *stream.Stream, now clock.Instant) {
	path := st.Config().Path
	for _, m := range streamMetrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(st), path)
	}
	collectReasons(out, leftDesc, func(why reason.Reason) uint64 { return st.Stats().Left[why].Load() }, path)
	collectFeed(out, st, now)
	collectForwards(out, st, now)
	collectInfo(out, st)
	collectReports(out, st)
	if age, ok := st.Silence(); ok {
		out <- prometheus.MustNewConstMetric(ageDesc, gauge, age.Seconds(), path)
	}
}

// collectReasons gives every reason a value, also those that have not occurred: a counter that appears with 1 has no
// rate.
func collectReasons(out chan<- prometheus.Metric, desc *prometheus.Desc, count func(reason.Reason) uint64,
	labels ...string) {
	for why := reason.None + 1; why < reason.Count; why++ {
		values := append(labels[:len(labels):len(labels)], why.String())
		out <- prometheus.MustNewConstMetric(desc, counter, float64(count(why)), values...)
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
