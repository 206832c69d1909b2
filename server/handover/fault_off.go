//go:build !faults

package handover

// Reach says that the program has come to a stage. Built with the tag "faults", as tests do, the program can be made to
// end or to stop there.
func Reach(Stage) {}
