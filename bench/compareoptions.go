package main

import (
	"strings"
	"time"
)

// A point is one workload.
type point struct {
	name    string
	viewers int
	bitrate int // bit/s
	packet  int // bytes
}

// compareOptions are what to compare, where and for how long.
type compareOptions struct {
	points   []point
	rounds   int
	window   time.Duration
	settle   time.Duration
	patience time.Duration
	ramp     float64
	merge    time.Duration // of the floor
	drain    time.Duration
	pumpd    string
	settings [][]string
	only     string
}

// wants says whether -only leaves a contestant in.
func (o *compareOptions) wants(name string) bool {
	return o.only == "" || strings.Contains(","+o.only+",", ","+name+",")
}
