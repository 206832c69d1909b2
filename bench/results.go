package main

// results is what can be said of viewers when they are over.
type results struct {
	sampled, packets, skips int64
	stamped                 bool // the stream has probes
	faults                  faults
	failures                map[string]int64 // why viewers failed
	refusals                map[string]int64 // by status
	returns                 map[string]int64 // why viewers came back, without refusals
	away                    int64            // refused, and to come back
	window                  []int64          // bytes in the window of viewers that watched all of it
}

// addViewer adds one viewer, at its end or at the end of the run.
func (r *results) addViewer(v *viewer) {
	if v.outcome != "" && (v.role == crowd || v.role == sample) {
		tallyInto(&r.failures, v.outcome, 1)
	}
	if v.mark >= 0 && v.phase == watching && v.role != stalled && v.role != slow {
		r.window = append(r.window, v.bytes-v.mark)
	}
	if v.check == nil {
		return
	}
	found := v.check.findings()
	r.sampled++
	r.packets += found.packets
	r.skips += found.skips
	r.stamped = r.stamped || found.probed
	r.faults.merge(&found.faults)
}

func (r *results) merge(o *results) {
	r.sampled += o.sampled
	r.packets += o.packets
	r.skips += o.skips
	r.stamped = r.stamped || o.stamped
	r.faults.merge(&o.faults)
	r.window = append(r.window, o.window...)
	r.away += o.away
	for status, n := range o.refusals {
		tallyInto(&r.refusals, status, n)
	}
	for why, n := range o.returns {
		tallyInto(&r.returns, why, n)
	}
	for why, n := range o.failures {
		tallyInto(&r.failures, why, n)
	}
}

// tallyInto adds to a count of a map that may not be there yet.
func tallyInto(counts *map[string]int64, name string, n int64) {
	if *counts == nil {
		*counts = map[string]int64{}
	}
	(*counts)[name] += n
}

// results are those of a worker that has halted.
func (w *worker) results() results {
	all := w.retired
	all.away = int64(len(w.away))
	for _, v := range w.viewers {
		if v != nil {
			all.addViewer(v)
		}
	}
	return all
}
