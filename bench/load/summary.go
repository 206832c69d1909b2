package load

import (
	"slices"

	"pumpd/bench/latency"
	"pumpd/bench/machine"
)

// A Summary is the outcome of a load run as it goes into -json. Times in seconds or ms as named, sizes in bytes.
type Summary struct {
	URL         string  `json:"url"`      // with a number where there are more
	Protocol    string  `json:"protocol"` // mmsh, mmshs, http, https, or mixed
	Viewers     int     `json:"viewers"`  // -n
	Reconnect   bool    `json:"reconnect,omitempty"`
	Stalled     int     `json:"stalled"`
	Slow        int     `json:"slow"`
	Admitted    int64   `json:"admitted"` // answers with 200, from the first viewer on
	Watching    int64   `json:"watching"` // at the end of the window, of all of them and the herd
	Seconds     float64 `json:"seconds"`  // of the window
	Bytes       int64   `json:"bytes"`    // delivered in the window
	BitsPerSec  float64 `json:"bits_per_second"`
	SlowestPart float64 `json:"slowest_share"` // what the slowest viewer got of the median viewer's bytes

	Failed   int64            `json:"failed"` // viewers
	Failures map[string]int64 `json:"failures,omitempty"`
	Silent   int64            `json:"silent"`             // viewers that heard nothing for longer than -silence
	Refused  int64            `json:"refused,omitempty"`  // answers, one a viewer without -reconnect
	Refusals map[string]int64 `json:"refusals,omitempty"` // the same by status

	Redirected int64            `json:"redirected,omitempty"` // answers that were followed
	Redirects  map[string]int64 `json:"redirects,omitempty"`  // the same by status and host

	Away     int64            `json:"away,omitempty"`     // viewers that were to come back when the run ended
	Returned int64            `json:"returned,omitempty"` // -reconnect, without refusals
	Returns  map[string]int64 `json:"returns,omitempty"`  // the same by what had happened
	Cut      int64            `json:"cut,omitempty"`      // stalled and slow viewers that the server closed
	Skips    int64            `json:"skips,omitempty"`    // of slow viewers, to a key frame

	Sampled    int64            `json:"sampled"`
	Packets    int64            `json:"packets_checked"`
	Stamped    bool             `json:"stamped"` // packets carried probes: continuity and latency are known
	Faults     map[string]int64 `json:"faults"`
	FirstFault string           `json:"first_fault,omitempty"`

	Latency  *latency.Spread `json:"latency_ms,omitempty"`
	Joins    *latency.Spread `json:"join_ms,omitempty"`
	During   *latency.Spread `json:"latency_during_herd_ms,omitempty"`
	HerdJoin *latency.Spread `json:"herd_join_ms,omitempty"`
	Herd     int             `json:"herd,omitempty"`

	Pictures     *latency.Spread `json:"picture_ms,omitempty"` // from the connection to the first packet of a key frame
	HerdPictures *latency.Spread `json:"herd_picture_ms,omitempty"`
	RefusalTimes *latency.Spread `json:"refusal_ms,omitempty"` // from the connection to the answer

	Server    *ServerUse `json:"server,omitempty"`
	TCPMemory int64      `json:"kernel_tcp_bytes"`      // both ends, above what was held before
	OwnCPU    float64    `json:"bench_cpu_seconds"`     // in the window
	Busy      float64    `json:"machine_busy"`          // 0 to 1, in the window
	Others    float64    `json:"others_busy"`           // of that by neither the server nor bench; with -pid
	Interrupt bool       `json:"interrupted,omitempty"` // the run did not last its -duration
}

// ServerUse is what the process of -pid used in the window.
type ServerUse struct {
	CPUSeconds     float64 `json:"cpu_seconds"`
	SecondsPerGB   float64 `json:"cpu_seconds_per_gb"` // of bytes delivered; 0 if none were
	RSS            int64   `json:"rss"`                // at the end
	RSSGrowth      int64   `json:"rss_growth"`         // since before the first viewer
	BytesPerViewer float64 `json:"rss_growth_per_viewer"`
}

// slowestShare compares the viewer that got least with the median. 1 if there are none to compare.
func slowestShare(window []int64) float64 {
	if len(window) == 0 {
		return 1
	}
	slices.Sort(window)
	median := window[len(window)/2]
	if median == 0 {
		return 0
	}
	return float64(window[0]) / float64(median)
}

// useOf computes what a server used for bytes delivered to viewers.
func useOf(base, start, end machine.Usage, bytes, viewers int64) *ServerUse {
	u := &ServerUse{CPUSeconds: (end.CPU - start.CPU).Seconds(), RSS: end.RSS, RSSGrowth: end.RSS - base.RSS}
	if bytes > 0 {
		u.SecondsPerGB = u.CPUSeconds / (float64(bytes) / 1e9)
	}
	if viewers > 0 {
		u.BytesPerViewer = float64(u.RSSGrowth) / float64(viewers)
	}
	return u
}
