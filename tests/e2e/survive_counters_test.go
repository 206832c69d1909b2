package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// awaitTime bounds every wait for something that must happen. It is long because the machine may be busy; nothing is
// late that comes within it unless a test says so itself.
const awaitTime = 30 * time.Second

// A streamStatus is what a test reads of a stream in the answer of /api/status.
type streamStatus struct {
	Path   string
	State  string
	Source *struct{ Kind, From string }
	Packet uint64 `json:"packets"`
	counters

	Switches  uint64
	Upstreams []struct{ State string }
}

// upstreams are the states of a pull's upstreams: "failed, feeding".
func (s streamStatus) upstreams() string {
	var list []string
	for _, u := range s.Upstreams {
		list = append(list, u.State)
	}
	return strings.Join(list, ", ")
}

// awaitUpstreams waits until the pump says so of a pull's upstreams.
func (m *mortal) awaitUpstreams(t *testing.T, stream, want string) {
	t.Helper()
	m.awaitStatus(t, stream, "fed as in "+want, func(s streamStatus) bool { return s.upstreams() == want })
}

// counters are those by which a pump tells what its viewers have gone through. They are compared as a whole: what a
// test does not expect is zero.
type counters struct {
	Viewers     int64
	Joined      uint64
	Left        map[string]uint64 // by reason
	Skips       uint64
	BadPackets  uint64 `json:"bad_packets"`
	Generations uint64
}

// fetch reads a page of the admin.
func (m *mortal) fetch(path string) ([]byte, error) {
	client := http.Client{Timeout: patience}
	answer, err := client.Get("http://" + m.admin + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// status is the pump's account of one stream.
func (m *mortal) status(stream string) (streamStatus, error) {
	b, err := m.fetch("/api/status")
	if err != nil {
		return streamStatus{}, err
	}
	var report struct{ Streams []streamStatus }
	if err := json.Unmarshal(b, &report); err != nil {
		return streamStatus{}, fmt.Errorf("/api/status: %w", err)
	}
	for _, s := range report.Streams {
		if s.Path == stream {
			return s, nil
		}
	}
	return streamStatus{}, fmt.Errorf("/api/status: no stream %q", stream)
}

// metrics are the values of /metrics by name and labels, as they stand there.
func (m *mortal) metrics() (map[string]float64, error) {
	b, err := m.fetch("/metrics")
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			return nil, fmt.Errorf("/metrics: %q: %w", line, err)
		}
		values[line[:at]] = v
	}
	return values, nil
}

// metric is one value of /metrics that must be there.
func (m *mortal) metric(t *testing.T, name string) float64 {
	t.Helper()
	all, err := m.metrics()
	if err != nil {
		t.Fatal(err)
	}
	v, ok := all[name]
	if !ok {
		t.Fatalf("/metrics has no %s", name)
	}
	return v
}

// awaitMetric waits for a value of /metrics.
func (m *mortal) awaitMetric(t *testing.T, name string, want float64) {
	t.Helper()
	var got float64
	if !poll(patience, func() bool { got = m.metric(t, name); return got == want }) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// counted reads the same counters from /metrics.
func counted(values map[string]float64, stream string) counters {
	value := func(name string) float64 { return values[fmt.Sprintf("pumpd_stream_%s{stream=%q}", name, stream)] }
	c := counters{
		Viewers:     int64(value("viewers")),
		Joined:      uint64(value("viewers_joined_total")),
		Left:        map[string]uint64{},
		Skips:       uint64(value("viewer_skips_total")),
		BadPackets:  uint64(value("bad_packets_total")),
		Generations: uint64(value("generations_total")),
	}
	for name, v := range values {
		rest, ours := strings.CutPrefix(name, "pumpd_stream_viewers_left_total{reason=\"")
		why, of, _ := strings.Cut(rest, "\",stream=")
		if ours && v > 0 && of == strconv.Quote(stream)+"}" {
			c.Left[why] = uint64(v)
		}
	}
	return c
}

// awaitCounters wants the pump to count exactly this for a stream, in /api/status and in /metrics. Loops count what
// they have done a moment later, so there is some time for it.
func (m *mortal) awaitCounters(t *testing.T, stream string, want counters) {
	t.Helper()
	if want.Left == nil {
		want.Left = map[string]uint64{}
	}
	var last string
	ok := poll(patience, func() bool {
		s, err := m.status(stream)
		if err != nil {
			last = err.Error()
			return false
		}
		values, err := m.metrics()
		if err != nil {
			last = err.Error()
			return false
		}
		metrics := counted(values, stream)
		last = fmt.Sprintf("/api/status %+v, /metrics %+v", s.counters, metrics)
		return reflect.DeepEqual(s.counters, want) && reflect.DeepEqual(metrics, want)
	})
	if !ok {
		t.Errorf("%s: counters %s, want %+v", stream, last, want)
	}
}

// awaitStatus waits until the pump says what is wanted of a stream.
func (m *mortal) awaitStatus(t *testing.T, stream, what string, good func(streamStatus) bool) streamStatus {
	t.Helper()
	var s streamStatus
	var err error
	if !poll(awaitTime, func() bool {
		s, err = m.status(stream)
		return err == nil && good(s)
	}) {
		t.Fatalf("%s is not %s after %v: %+v, error %v", stream, what, awaitTime, s, err)
	}
	return s
}

// awaitState waits for "idle", "live" or "orphaned".
func (m *mortal) awaitState(t *testing.T, stream, state string) {
	t.Helper()
	m.awaitStatus(t, stream, state, func(s streamStatus) bool { return s.State == state })
}

// poll asks until good is true, for limit at the most.
func poll(limit time.Duration, good func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(limit); ; <-tick.C {
		if good() {
			return true
		}
		if time.Now().After(late) {
			return false
		}
	}
}
