package viewers

import "pumpd/bench/check"

// Results are what can be said of viewers when they are over.
type Results struct {
	Sampled   int64 // viewers that checked what they got
	Packets   int64 // checked
	Skips     int64 // to a key frame, of slow viewers
	Stamped   bool  // the stream has probes
	Faults    check.Faults
	Failures  map[string]int64 // why viewers failed
	Refusals  map[string]int64 // by status
	Redirects map[string]int64 // that were followed, by status and host
	Returns   map[string]int64 // why viewers came back, without refusals
	Away      int64            // refused, and to come back
	Window    []int64          // bytes in the window of viewers that watched all of it
}

// addViewer adds one viewer, at its end or at the end of the run.
func (r *Results) addViewer(v *viewer) {
	if v.outcome != "" && (v.role == Crowd || v.role == Sample) {
		tallyInto(&r.Failures, v.outcome, 1)
	}
	if v.mark >= 0 && v.phase == watching && v.role != Stalled && v.role != Slow {
		r.Window = append(r.Window, v.bytes-v.mark)
	}
	if v.check == nil {
		return
	}
	found := v.check.Findings()
	r.Sampled++
	r.Packets += found.Packets
	r.Skips += found.Skips
	r.Stamped = r.Stamped || found.Probed
	r.Faults.Merge(&found.Faults)
}

// Merge adds those of another worker.
func (r *Results) Merge(o *Results) {
	r.Sampled += o.Sampled
	r.Packets += o.Packets
	r.Skips += o.Skips
	r.Stamped = r.Stamped || o.Stamped
	r.Faults.Merge(&o.Faults)
	r.Window = append(r.Window, o.Window...)
	r.Away += o.Away
	for status, n := range o.Refusals {
		tallyInto(&r.Refusals, status, n)
	}
	for where, n := range o.Redirects {
		tallyInto(&r.Redirects, where, n)
	}
	for why, n := range o.Returns {
		tallyInto(&r.Returns, why, n)
	}
	for why, n := range o.Failures {
		tallyInto(&r.Failures, why, n)
	}
}

// tallyInto adds to a count of a map that may not be there yet.
func tallyInto(counts *map[string]int64, name string, n int64) {
	if *counts == nil {
		*counts = map[string]int64{}
	}
	(*counts)[name] += n
}

// Results are those of a worker that has halted.
func (w *Worker) Results() Results {
	all := w.retired
	all.Away = int64(len(w.away))
	for _, v := range w.viewers {
		if v != nil {
			all.addViewer(v)
		}
	}
	return all
}
