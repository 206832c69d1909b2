package server

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets the tests that called t.Parallel run all at once. They wait for sockets and for the clock, so the
// number of cores, Go's default, would only make the run long.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		flag.Set("test.parallel", "12")
	}
	os.Exit(m.Run())
}
