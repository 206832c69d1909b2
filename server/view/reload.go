package view

// A Report says what a reload has done, or would do, in the order of the configuration.
type Report struct {
	Added   []string `json:"added,omitempty"` // paths of streams
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Sources []string `json:"sources,omitempty"` // of those that stay, whose source begins anew
	Keys    []string `json:"keys,omitempty"`    // outside of streams, such as "timeouts.stall", that count now
	Restart []string `json:"restart,omitempty"` // keys that are otherwise in the file, and count from the next start on
}

// Nothing says that the file says what the pump does already.
func (r *Report) Nothing() bool {
	return len(r.Added)+len(r.Removed)+len(r.Changed)+len(r.Keys)+len(r.Restart) == 0
}

// A Preview is what a reload would do.
type Preview struct {
	File  string `json:"file"`            // of the configuration, with its whole path
	Error string `json:"error,omitempty"` // why nothing would change, lines
	Report
}
