package main

import (
	"flag"
	"io"
	"slices"
	"testing"

	"pumpd/bench/link"
)

func TestLineFlags(t *testing.T) {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var both link.Shape
	ways := lineFlags(fs, &both)
	err := fs.Parse([]string{"-up", "rate=1Mbit", "-rate", "20Mbit", "-loss=1%", "-up", "loss=0%", "-down=delay=5ms"})
	if err != nil || both != (link.Shape{Rate: 20e6, Loss: 0.01}) {
		t.Errorf("got %v, %v", both, err)
	}
	if !slices.Equal(ways[link.Up], []string{"rate=1Mbit", "loss=0%"}) ||
		!slices.Equal(ways[link.Down], []string{"delay=5ms"}) {
		t.Errorf("got %v", *ways)
	}
	for _, bad := range []string{"-up=rate", "-rate=x", "-loss=1"} {
		if err := fs.Parse([]string{bad}); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}
