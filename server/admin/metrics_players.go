package admin

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"pumpd/server/stream"
	"pumpd/server/tally"
)

// What players get, and what they are refused.
var (
	firstByteDesc = histogram("viewer_first_byte_seconds",
		"From a viewer's request to the first bytes that its socket took; a wait for the stream included.")
	lagDesc       = histogram("viewer_lag_seconds", "How far each viewer is behind the others of its loop, once a second.")
	lengthDesc    = histogram("viewer_session_seconds", "How long viewers stayed that have left.")
	roundTimeDesc = histogram("round_duration_seconds", "CPU time of a round, in which a loop offers news to its viewers.")

	playersDesc = byPlayer("viewers", "Viewers now, by how they are spoken to and whether over TLS.")
	behindDesc  = byPlayer("viewers_behind", "Viewers that lack what others have been sent already.")
	blockedDesc = byPlayer("viewers_blocked", "Viewers whose socket takes nothing at present.")

	rejectedDesc = prometheus.NewDesc("pumpd_requests_refused_total",
		"Requests that were answered with a status of 300 or more; with no stream those whose path is none's.",
		[]string{"stream", "status"}, nil)
	expiryDesc = prometheus.NewDesc("pumpd_certificate_expiry_timestamp_seconds",
		"Until when a certificate of the pump is good.", []string{"file"}, nil)
	infoDesc = streamDesc("info", "1, with what the configuration says as labels.", "type", "title", "on_demand")
)

// What players report when they stop; a stream has these from the first report on.
var (
	bufferingsDesc = streamDesc("player_bufferings",
		"How many times a player waited for data, the first included, as it reports when it stops.")
	bufferingDesc = streamDesc("player_buffering_seconds", "How long it waited all in all.")
	lostDesc      = streamDesc("player_lost_packets", "Packets that never came to a player.")
	receivedDesc  = streamDesc("player_received_ratio", "Part of the packets that came to a player.")
	rateDesc      = streamDesc("player_received_bytes_per_second", "Rate at which they came, as players measure it.")
)

var playerDescs = []*prometheus.Desc{
	firstByteDesc, lagDesc, lengthDesc, roundTimeDesc, playersDesc, behindDesc, blockedDesc, rejectedDesc, expiryDesc,
	infoDesc, bufferingsDesc, bufferingDesc, lostDesc, receivedDesc, rateDesc,
}

func histogram(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("pumpd_"+name, help, nil, nil)
}

func byPlayer(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("pumpd_"+name, help, []string{"dialect", "tls"}, nil)
}

func showHistogram(out chan<- prometheus.Metric, desc *prometheus.Desc, v tally.View, labels ...string) {
	out <- prometheus.MustNewConstHistogram(desc, v.Count, v.Sum, v.Upto, labels...)
}

func collectReports(out chan<- prometheus.Metric, st *stream.Stream) {
	r, path := st.Stats().Reports(), st.Config().Path
	if r == nil {
		return
	}
	showHistogram(out, bufferingsDesc, r.Bufferings.View(), path)
	showHistogram(out, bufferingDesc, r.Buffering.View(), path)
	showHistogram(out, lostDesc, r.Lost.View(), path)
	showHistogram(out, receivedDesc, r.Received.View(), path)
	showHistogram(out, rateDesc, r.Rate.View(), path)
}

func collectPlayers(out chan<- prometheus.Metric, n Counters) {
	showHistogram(out, firstByteDesc, n.FirstByte)
	showHistogram(out, lagDesc, n.Lag)
	showHistogram(out, lengthDesc, n.Length)
	showHistogram(out, roundTimeDesc, n.RoundTime)
	for _, p := range n.Players {
		labels := []string{p.Dialect, strconv.FormatBool(p.TLS)}
		out <- prometheus.MustNewConstMetric(playersDesc, gauge, float64(p.Viewers), labels...)
		out <- prometheus.MustNewConstMetric(behindDesc, gauge, float64(p.Behind), labels...)
		out <- prometheus.MustNewConstMetric(blockedDesc, gauge, float64(p.Blocked), labels...)
	}
	for _, c := range n.Certificates {
		out <- prometheus.MustNewConstMetric(expiryDesc, gauge, float64(c.Expires.Unix()), c.File)
	}
	if n.Unknown != nil {
		collectRejected(out, n.Unknown, "")
	}
}

func collectInfo(out chan<- prometheus.Metric, st *stream.Stream) {
	cfg := st.Config()
	out <- prometheus.MustNewConstMetric(infoDesc, gauge, 1, cfg.Path, cfg.Type, cfg.Heading(),
		strconv.FormatBool(cfg.OnDemand))
	collectRejected(out, &st.Stats().Refused, cfg.Path)
}

func collectRejected(out chan<- prometheus.Metric, n *tally.Statuses, path string) {
	n.All(func(status string, n uint64) {
		out <- prometheus.MustNewConstMetric(rejectedDesc, counter, float64(n), path, status)
	})
}
