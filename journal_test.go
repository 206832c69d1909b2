package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Only the file that JOURNAL_STREAM names is the journal.
func TestInJournal(t *testing.T) {
	file := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	journal, other := file("journal"), file("other")
	info, err := journal.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if inJournal(journal) {
		t.Error("without the variable there is a journal")
	}
	id := info.Sys().(*syscall.Stat_t)
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", id.Dev, id.Ino))
	if !inJournal(journal) || inJournal(other) || inJournal(&strings.Builder{}) {
		t.Errorf("the journal %v, another file %v, no file %v; want true, false, false", inJournal(journal),
			inJournal(other), inJournal(&strings.Builder{}))
	}
}
