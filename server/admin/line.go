package admin

import "pumpd/server/line"

// A lineReport is what the pump knows of its uplink, in bit/s with the headers of TCP/IP.
type lineReport struct {
	Configured int64  `json:"configured"`  // 0: by uplink = "auto", or not at all
	Carries    int64  `json:"carries"`     // what it is taken to carry; 0: not known
	Demand     int64  `json:"demand"`      // what all viewers take who are in step
	Owed       int64  `json:"owed_bytes"`  // of bursts, to those who have joined
	Full       bool   `json:"full"`        // nobody is let in
	Live       uint64 `json:"live_bytes"`  // sent as they came; counted where there is an uplink
	Bursts     uint64 `json:"burst_bytes"` // sent to those who joined or were late
}

func reportLine(v line.View) lineReport {
	return lineReport{Configured: 8 * v.Configured, Carries: 8 * v.Carries, Demand: 8 * v.Demand, Owed: v.Owed,
		Full: v.Full, Live: v.Live, Bursts: v.Bursts}
}

var lineMetrics = []metric[Counters]{
	ofPump("line_configured_bytes_per_second", "What the uplink carries by the configuration, 0 if that does not say.",
		gauge, func(n Counters) float64 { return float64(n.Line.Configured) }),
	ofPump("line_carries_bytes_per_second", "What the uplink is taken to carry now, 0 while not known.", gauge,
		func(n Counters) float64 { return float64(n.Line.Carries) }),
	ofPump("line_demand_bytes_per_second", "What live packets take of it.", gauge,
		func(n Counters) float64 { return float64(n.Line.Demand) }),
	ofPump("line_owed_bytes", "Bursts that those who have joined are still to get.", gauge,
		func(n Counters) float64 { return float64(n.Line.Owed) }),
	ofPump("line_full", "1 while the uplink is full: newcomers are refused, and perhaps the newest viewers ended.", gauge,
		func(n Counters) float64 { return boolean(n.Line.Full) }),
	ofPump("line_live_bytes_total", "Bytes on the uplink of live packets.", counter,
		func(n Counters) float64 { return float64(n.Line.Live) }),
	ofPump("line_burst_bytes_total", "Bytes on the uplink of bursts, and of what late viewers caught up on.", counter,
		func(n Counters) float64 { return float64(n.Line.Bursts) }),
}
