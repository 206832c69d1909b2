package attack

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Report is what an attack did to a pump and its honest viewers.
type Report struct {
	Kind    Kind
	Options Options

	Before, During, After Phase
	Deeds                 Deeds

	Checked    int64 // honest viewers
	Packets    int64 // that were checked
	Faults     map[string]int64
	FirstFault string
	Failures   map[string]int64 // why honest viewers were closed

	Base     Use     // what the pump had before the attack, without newcomers
	Left     Use     // what it has in the end, when it was waited for
	Took     float64 // seconds from the end of the attack to that
	Stubborn bool    // the pump had to be killed
}

// Problems are the targets that were missed, in words. None is good.
func (r *Report) Problems() (all []string) {
	miss := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	target := r.Options.Targets
	miss(r.Deeds.Connections == 0, "nobody attacked")
	miss(len(r.Faults) > 0, "%s, first %s", counts(r.Faults), r.FirstFault)
	lost := r.Before.Lost + r.During.Lost + r.After.Lost
	miss(lost > 0, "%d honest viewers were closed or froze: %s", lost, counts(r.Failures))
	if before, during := r.Before.Latency, r.During.Latency; before == nil || during == nil {
		miss(true, "no packets came before or during the attack")
	} else {
		miss(during.P99 > before.P99*target.Latency, "p99 %.1f ms, %.1f times what it was (%.1f ms), at most %g times",
			during.P99, during.P99/before.P99, before.P99, target.Latency)
	}
	for _, p := range []*Phase{&r.During, &r.After} {
		miss(r.starved(p), "%.0f packets a second where there were %.0f", p.rate(), r.Before.rate())
		miss(p.Without > 0, "%d of %d newcomers had no stream", p.Without, p.Came)
		slow := p.Joins != nil && p.Joins.Max > target.Join.Seconds()*1000
		miss(slow, "a newcomer's first byte took %.0f ms, at most %d", worst(p), target.Join.Milliseconds())
	}
	miss(!r.Left.within(r.Base, target.Growth),
		"%.1f MB and %d descriptors %.0f s after the attack, before it %.1f and %d",
		float64(r.Left.RSS)/1e6, r.Left.Descriptors, r.Took, float64(r.Base.RSS)/1e6, r.Base.Descriptors)
	miss(r.Stubborn, "the pump did not end when it was told to")
	return all
}

// starved: fewer packets came than before, which latency does not tell while they wait. A tenth and those of half a
// second may be on their way.
func (r *Report) starved(p *Phase) bool {
	return p.rate()*p.Seconds < r.Before.rate()*(0.9*p.Seconds-0.5)
}

func worst(p *Phase) float64 {
	if p.Joins == nil {
		return 0
	}
	return p.Joins.Max
}

// counts is "3 × gap, 1 × content".
func counts(of map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%d × %s", of[name], name))
	}
	return strings.Join(parts, ", ")
}
