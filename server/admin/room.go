package admin

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"pumpd/server/admission"
	"pumpd/server/stream"
)

// What the ledger says of the room that there is for viewers.

// A roomReport is what viewers take of the pump's limits. Limits are 0 where there is none. Those who wait for a stream
// count as viewers, and forwards take bandwidth.
type roomReport struct {
	Viewers      int64             `json:"viewers"`
	MaxViewers   int64             `json:"max_viewers"`
	Bandwidth    int64             `json:"bandwidth"` // bit/s of streams
	MaxBandwidth int64             `json:"max_bandwidth"`
	Reserved     int64             `json:"reserved"`         // of bandwidth: not viewers'
	Line         int64             `json:"line"`             // bit/s, headers of TCP/IP included
	Usable       int64             `json:"line_usable"`      // of what is configured or measured, without the reserve
	Shut         string            `json:"shut"`             // why nobody is let in whatever is free; empty: it is not so
	Headroom     *int64            `json:"headroom_viewers"` // how many more have room; null: there is no limit
	Refused      map[string]uint64 `json:"refused"`          // viewers, by limit; absent: none
}

// A streamRoomReport is the same of one stream.
type streamRoomReport struct {
	MaxViewers   int64             `json:"max_viewers"`
	MaxBandwidth int64             `json:"max_bandwidth"`
	Rate         int64             `json:"viewer_bitrate"` // what one viewer takes, bit/s
	Line         int64             `json:"viewer_line"`    // and on the line
	Headroom     *int64            `json:"headroom_viewers"`
	Refused      map[string]uint64 `json:"refused"`
}

func reportRoom(v *admission.View) roomReport {
	r := roomReport{
		Viewers: v.Viewers, MaxViewers: v.MaxViewers, Bandwidth: v.Bandwidth, MaxBandwidth: v.MaxBandwidth,
		Reserved: v.Reserved, Line: v.Line, Usable: v.Usable, Headroom: bounded(v.Headroom), Refused: map[string]uint64{},
	}
	if v.Shut != admission.None {
		r.Shut = v.Shut.String()
	}
	for _, st := range v.Streams {
		for why, n := range refusals(st) {
			r.Refused[why] += n
		}
	}
	return r
}

func reportStreamRoom(v admission.StreamView) streamRoomReport {
	return streamRoomReport{
		MaxViewers: v.Limits.Viewers, MaxBandwidth: v.Limits.Bandwidth, Rate: v.Rate, Line: v.Line,
		Headroom: bounded(v.Headroom), Refused: refusals(v),
	}
}

// refusals are those that have occurred.
func refusals(v admission.StreamView) map[string]uint64 {
	list := map[string]uint64{}
	for why, n := range v.Refused {
		if n > 0 {
			list[admission.Cause(why).String()] = n
		}
	}
	return list
}

// bounded is a headroom for JSON: null where there is no limit.
func bounded(headroom int64) *int64 {
	if headroom == admission.Unlimited {
		return nil
	}
	return &headroom
}

// crowded says, for readyz, that fewer viewers have room than ready_headroom asks for; "": that is not so.
func (s *Subject) crowded() string {
	least := int64(s.Config().ReadyHeadroom)
	if v := s.Room(); v.Headroom < least {
		return fmt.Sprintf("full: room for %d viewers, ready_headroom is %d\n", v.Headroom, least)
	}
	return ""
}

// Metrics of limits are there where the limit is.
var (
	seatsDesc     = roomMetric("viewers", "Viewers that are let in; those who wait for a stream included.")
	seatLimitDesc = roomMetric("viewers_limit", "Most of them by max_viewers; absent without.")
	bandDesc      = roomMetric("bandwidth_bytes_per_second", "What the streams of all viewers take.")
	bandLimitDesc = roomMetric("bandwidth_limit_bytes_per_second", "Most of that by max_bandwidth; absent without.")
	lineDesc      = roomMetric("line_bytes_per_second", "The same on the line, headers of TCP/IP included.")
	usableDesc    = roomMetric("line_usable_bytes_per_second", "Most of that by the line; absent while not known.")
	headroomDesc  = roomMetric("headroom_viewers", "Viewers that have room yet; absent without a limit.")
	refusedDesc   = prometheus.NewDesc("pumpd_refused_total", "Requests of viewers that were refused, by limit.",
		[]string{"stream", "limit"}, nil)
	viewerDesc = streamDesc("viewer_bytes_per_second", "What one viewer is reckoned to take.")
	roomDesc   = streamDesc("headroom_viewers", "Viewers of the stream that have room yet; absent without a limit.")
)

var roomDescs = []*prometheus.Desc{
	seatsDesc, seatLimitDesc, bandDesc, bandLimitDesc, lineDesc, usableDesc, headroomDesc, refusedDesc,
	viewerDesc, roomDesc,
}

func roomMetric(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("pumpd_admitted_"+name, help, nil, nil)
}

func collectRoom(out chan<- prometheus.Metric, v *admission.View) {
	always := func(desc *prometheus.Desc, value int64, per float64) {
		out <- prometheus.MustNewConstMetric(desc, gauge, float64(value)/per)
	}
	limit := func(desc *prometheus.Desc, value int64, per float64) {
		if value > 0 {
			always(desc, value, per)
		}
	}
	const bits = 8
	always(seatsDesc, v.Viewers, 1)
	limit(seatLimitDesc, v.MaxViewers, 1)
	always(bandDesc, v.Bandwidth, bits)
	limit(bandLimitDesc, v.MaxBandwidth, bits)
	always(lineDesc, v.Line, bits)
	limit(usableDesc, v.Usable, bits)
	if v.Headroom != admission.Unlimited {
		always(headroomDesc, v.Headroom, 1)
	}
}

func collectStreamRoom(out chan<- prometheus.Metric, st *stream.Stream, v admission.StreamView) {
	path := st.Config().Path
	out <- prometheus.MustNewConstMetric(viewerDesc, gauge, float64(v.Rate)/8, path)
	if v.Headroom != admission.Unlimited {
		out <- prometheus.MustNewConstMetric(roomDesc, gauge, float64(v.Headroom), path)
	}
	for why := admission.None + 1; why < admission.Causes; why++ {
		out <- prometheus.MustNewConstMetric(refusedDesc, counter, float64(v.Refused[why]), path, why.String())
	}
}
