package link

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"pumpd/bench/quantity"
)

// A Shape is what a line does to the packets of one direction.
type Shape struct {
	Rate  int64         // bit/s of IP packets, headers included; 0: no limit, and no queue
	Queue Queue         // of packets that wait for the rate
	Delay time.Duration // of each packet, once it is out
	Loss  float64       // 0 to 1: share of the packets that are lost after they took their time on the line
}

// A Queue has a length in time at the line's rate or, if Time is 0, in bytes. A packet that finds the line idle always
// fits.
type Queue struct {
	Time  time.Duration
	Bytes int
}

// Longest things that a shape may say: what is on the way takes memory.
const (
	maxDelay = 10 * time.Second
	maxQueue = time.Minute
)

// Set changes what text names and leaves the rest: "rate=12Mbit,queue=250ms,delay=50ms,loss=1%". A queue without a unit
// of time is in bytes. After an error the shape is as before.
func (s *Shape) Set(text string) error {
	next := *s
	for field := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if err := next.set(name, value); err != nil {
			return err
		}
	}
	*s = next
	return nil
}

func (s *Shape) set(name, value string) (err error) {
	switch name {
	case "rate":
		s.Rate, err = parseRate(value)
	case "queue":
		s.Queue, err = parseQueue(value)
	case "delay":
		s.Delay, err = parseTime(value, maxDelay)
	case "loss":
		s.Loss, err = parseLoss(value)
	default:
		return fmt.Errorf("%q: want rate=, queue=, delay= or loss=", name)
	}
	if err != nil {
		return fmt.Errorf("%s %w", name, err)
	}
	return nil
}

func parseRate(s string) (int64, error) {
	var n quantity.Number
	if err := n.Set(strings.TrimSuffix(s, "bit")); err != nil {
		return 0, err
	}
	return int64(n), nil
}

func parseQueue(s string) (Queue, error) {
	var n quantity.Number
	if err := n.Set(s); err == nil {
		return Queue{Bytes: int(n)}, nil
	}
	d, err := parseTime(s, maxQueue)
	if err != nil {
		return Queue{}, fmt.Errorf("%w, or bytes, such as 64k", err)
	}
	return Queue{Time: d}, nil
}

func parseTime(s string, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > most {
		return 0, fmt.Errorf("%q: want a time from 0s to %v, such as 50ms", s, most)
	}
	return d, nil
}

func parseLoss(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	percent, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(percent >= 0 && percent <= 100) {
		return 0, fmt.Errorf("%q: want 0%% to 100%%", s)
	}
	return percent / 100, nil
}

// String is as Set reads it.
func (s Shape) String() string {
	rate := quantity.Number(s.Rate)
	return fmt.Sprintf("rate=%sbit,queue=%s,delay=%v,loss=%g%%", &rate, s.Queue, s.Delay, s.Loss*100)
}

func (q Queue) String() string {
	if q.Time > 0 {
		return q.Time.String()
	}
	return strconv.Itoa(q.Bytes)
}

// takes is the time that the line needs for n bytes.
func (s *Shape) takes(n int) time.Duration {
	if s.Rate == 0 {
		return 0
	}
	return time.Duration(int64(n) * 8 * int64(time.Second) / s.Rate)
}

// room is the length of the queue in bytes.
func (s *Shape) room() int {
	if s.Queue.Time > 0 {
		return int(math.Round(s.Queue.Time.Seconds() * float64(s.Rate) / 8))
	}
	return s.Queue.Bytes
}
