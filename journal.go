package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// inJournal says whether what is written to w goes to systemd's journal: it is the file that JOURNAL_STREAM names,
// systemd.exec(5). Programs that a service starts have the variable as well, and may write elsewhere.
func inJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	id, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", id.Dev, id.Ino)
}
