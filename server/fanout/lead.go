package fanout

import (
	"slices"

	"pumpd/codec"
)

// A lead is what a viewer is owed that is not in the chain: a reply's head, $H, the rest of a half-sent frame. A viewer
// in step, which nearly all are, has none; so it is no part of the viewer. Hubs use it again, see needLead.
type lead struct {
	parts [2][]byte
	stub  [codec.PrefixLen]byte // holds parts[0] where a frame was cut inside its prefix
}

// size is how many bytes are owed.
func (l *lead) size() int {
	if l == nil {
		return 0
	}
	return len(l.parts[0]) + len(l.parts[1])
}

// needLead gives v a lead, if it has none, to be filled.
func (v *Viewer) needLead() *lead {
	if v.lead != nil {
		return v.lead
	}
	h := v.audience.hub
	if n := len(h.leads); n > 0 {
		v.lead = h.leads[n-1]
		h.leads = h.leads[:n-1]
	} else {
		v.lead = new(lead)
	}
	return v.lead
}

// sendLast adds to what v is owed, behind what that is already.
func (v *Viewer) sendLast(b []byte) {
	switch p := &v.needLead().parts; {
	case p[1] == nil:
		p[1] = b
	case p[0] == nil:
		p[0], p[1] = p[1], b
	default:
		p[1] = slices.Concat(p[1], b)
	}
}

// dropEmptyLead takes the lead back from a viewer that is owed nothing more.
func (v *Viewer) dropEmptyLead() {
	if v.lead.size() == 0 {
		v.dropLead()
	}
}

// dropLead takes the lead back, whatever is in it.
func (v *Viewer) dropLead() {
	if v.lead == nil {
		return
	}
	h := v.audience.hub
	*v.lead = lead{} // it must not hold the chain
	if len(h.leads) < spareLeads {
		h.leads = append(h.leads, v.lead)
	}
	v.lead = nil
}

// spareLeads is how many leads a hub keeps for its next use.
const spareLeads = 256
