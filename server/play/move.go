package play

import "os"

// A Snapshot is what another process needs to go on with a file or a slate where it was.
type Snapshot struct{}

// An Inheritance is what the process before has left.
type Inheritance struct {
	*Snapshot
	File *os.File // that plays, the callee's; nil: none
}
