package quota

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A book is what was sent in each period that is known. The first one is what is counted now; the others are there for
// a clock that goes back to them.
type book []entry

// An entry is one period.
type entry struct {
	Since string `json:"since"` // its first day, "2026-11-27", or of a month "2026-11"
	Used  int64  `json:"used"`  // bytes
	Base  int64  `json:"base"`  // of them, those from before the clock came to it, the last time that it did
}

// maxEntries is how many periods are kept: today, and where a clock that is wrong may have been for a while.
const maxEntries = 4

// Layouts of entry.Since.
const (
	dayLayout   = "2006-01-02"
	monthLayout = "2006-01"
)

// turn has another period counted. Time may go anywhere: machines without a clock of their own begin in 1970 at every
// start, and others are set by hand. So what is sent counts in all periods where it may belong:
//
//   - one that was left before goes on with what it had, and with what was sent since;
//   - one before that which is counted now begins with what that has: it may be the same one;
//   - one behind it begins with nothing, as a new period does.
func (b *book) turn(since string) {
	if len(*b) == 0 {
		*b = book{{Since: since}}
		return
	}
	now := (*b)[0]
	next := entry{Since: since}
	if i := slices.IndexFunc(*b, func(e entry) bool { return e.Since == since }); i >= 0 {
		next.Used = min((*b)[i].Used+now.Used-now.Base, maxUsed)
		*b = slices.Delete(*b, i, i+1)
	} else if since < now.Since {
		next.Used = now.Used
	}
	next.Base = next.Used
	*b = slices.Insert(*b, 0, next)
	*b = (*b)[:min(len(*b), maxEntries)]
}

// The file is JSON.
//
//	{"version":1,"periods":[{"since":"2026-11-27","used":104857600,"base":0}]}
type file struct {
	Version int  `json:"version"`
	Periods book `json:"periods"`
}

const (
	version = 1
	maxFile = 4 << 10 // bytes; four periods take a tenth of it
)

// marshal makes the file's text of a book.
func (b book) marshal() []byte {
	text, _ := json.Marshal(file{version, b}) // of strings and numbers: cannot fail
	return append(text, '\n')
}

// parseBook reads the file's text. An error says what is wrong with it.
func parseBook(text []byte) (book, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind its end")
	}
	switch {
	case f.Version != version:
		return nil, fmt.Errorf("version %d, want %d", f.Version, version)
	case len(f.Periods) == 0 || len(f.Periods) > maxEntries:
		return nil, fmt.Errorf("%d periods, want 1 to %d", len(f.Periods), maxEntries)
	}
	for i, e := range f.Periods {
		switch {
		case !isPeriod(e.Since) || len(e.Since) != len(f.Periods[0].Since):
			return nil, fmt.Errorf("period %d: since %.20q, want days or months", i+1, e.Since)
		case e.Base < 0 || e.Used < e.Base || e.Used > maxUsed:
			return nil, fmt.Errorf("period %d: used %d, base %d, want 0 to %d", i+1, e.Used, e.Base, int64(maxUsed))
		case slices.ContainsFunc(f.Periods[:i], func(o entry) bool { return o.Since == e.Since }):
			return nil, fmt.Errorf("period %d: %s is there twice", i+1, e.Since)
		}
	}
	return f.Periods, nil
}

// maxUsed is more than any line carries in a month, and far from where an int64 ends.
const maxUsed = 1 << 60

func isPeriod(s string) bool {
	_, day := time.Parse(dayLayout, s)
	_, month := time.Parse(monthLayout, s)
	return day == nil || month == nil
}
