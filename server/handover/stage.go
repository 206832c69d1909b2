package handover

import "sync/atomic"

// A Stage is where one of the two programs is in a handover. The old one has those up to Lingering, the new one the
// others. Whichever of them ends before the old one has committed, the other one loses nothing by it.
type Stage uint8

// The stages of a handover.
const (
	Idle      Stage = iota // the old one: there is no handover; then Starting
	Starting               // the new program is started and reads its configuration; then Greeting, or Idle
	Greeting               // it says its version and makes ready; then Freezing, or Idle if it refuses or is another
	Freezing               // what feeds streams is parked, loops stand still; then Sending, or Idle
	Sending                // all there is goes over; then Committed when it is taken, or Idle: all goes on here
	Committed              // it is the new program's; then Lingering, or the end
	Lingering              // what cannot move is served here to its end; last

	Loading  // the new one: it reads its configuration; then Prepared, or the end
	Prepared // it can serve, and has nothing to; then Taking, or the end
	Taking   // it gets what there is, and touches none of it; then Taken, or the end
	Taken    // it has everything; then Running when the old one commits, or the end
	Running  // it serves; then Idle, for it is the old one of the next handover
)

var stages = [...]string{
	Idle: "idle", Starting: "starting", Greeting: "greeting", Freezing: "freezing", Sending: "sending",
	Committed: "committed", Lingering: "lingering",
	Loading: "loading", Prepared: "prepared", Taking: "taking", Taken: "taken", Running: "running",
}

// String is the word for it in logs, documents and faults.
func (s Stage) String() string { return stages[s] }

var watcher atomic.Pointer[func(Stage)]

// Watch has a function be told of each stage that this process comes to, in place of the one before; it must not wait
// for anything. Any goroutine.
func Watch(tell func(Stage)) { watcher.Store(&tell) }

// Reach says that this process has come to a stage. Built with the tag "faults", as tests do, the program can be made
// to end or to stop there.
func Reach(s Stage) {
	if tell := watcher.Load(); tell != nil {
		(*tell)(s)
	}
	fault(s)
}
