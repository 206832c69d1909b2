//go:build !faults

package handover

// fault is what the program has none of unless it is built with the tag "faults", as tests do.
func fault(Stage) {}

// faulty is a version as it is.
func faulty(version int) int { return version }
