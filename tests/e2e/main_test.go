// Package e2e tests pumpd from outside: the built program, real sockets, and, with the build tag "players", real
// players.
//
//	go test ./tests/e2e/                                  own small clients, half a minute
//	go test -tags players -timeout 40m ./tests/e2e/       all players, proxies and packages: a quarter of an hour
//
// A missing player skips its tests, says which Debian package brings it and is listed again at the end; with CI=true it
// fails them. Files named survive are about what happens when a source, a pump or the network fails. One of their tests
// lets an upstream come and go, for a minute under make; more of it is
//
//	PUMPD_FLAP_TIME=10m go test -timeout 20m -run Flaps ./tests/e2e/
//
// To look at the picture yourself:
//
//	PUMPD_SCREENSHOT=$PWD/demo.png go test -tags players -run Screenshot ./tests/e2e/
//
// and at the status page, on a desk and a phone, by day and by night:
//
//	mkdir pages; PUMPD_SCREENSHOTS=$PWD/pages go test -tags players -run StatusPage ./tests/e2e/
package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// parallelTests is how many tests that called t.Parallel run at once. They wait for sockets and for the clock of a
// stream, so the number of cores, Go's default, would only make the run long.
const parallelTests = 12

// atEnd is called when all tests are over.
var atEnd = []func(){removeBuilt}

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		flag.Set("test.parallel", fmt.Sprint(parallelTests))
	}
	go starvation.measure()
	code := m.Run()
	for _, f := range atEnd {
		f()
	}
	os.Exit(code)
}
