package logging

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"
)

// A format counts from the next line on, also for loggers that were made before.
func TestFormat(t *testing.T) {
	var out bytes.Buffer
	var level slog.LevelVar
	f := NewFormat(&out, &level)
	log := slog.New(f).With("a", 1).WithGroup("g")
	log.Info("one", "b", 2)
	f.Set("json")
	log.Info("two", "b", 2)
	log.Debug("nothing")
	level.Set(slog.LevelDebug)
	log.Debug("three")
	f.Set("text")
	log.Info("four")
	got := regexp.MustCompile(`(?m)"?time"?[=:]\S*?[ ,]`).ReplaceAllString(out.String(), "")
	const want = "level=INFO msg=one a=1 g.b=2\n" +
		`{"level":"INFO","msg":"two","a":1,"g":{"b":2}}` + "\n" +
		`{"level":"DEBUG","msg":"three","a":1}` + "\n" +
		"level=INFO msg=four a=1\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
