package admin

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/server/stream"
)

// Who fed a stream is kept with the time and with why it was lost, also where it is back before anybody looks.
func TestTenures(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	st, h := r.s.Streams.Streams()[0], r.rates.history
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	look := func() {
		r.at = r.at.Add(time.Second)
		at = at.Add(time.Minute)
		h.look(r.s.Streams.Streams(), uplink{}, r.at, at)
	}
	look()
	src := r.feed(0, stream.Push, "192.0.2.1:5", 1)
	look()
	look()
	src.Lost(errors.New("reset <by> peer"))
	src = r.feed(0, stream.Push, "192.0.2.1:5", 1)
	look()
	src.End()
	look()
	r.feed(0, stream.Push, "192.0.2.9:5", 1).Lost(errors.New("at once"))
	src = r.feed(0, stream.Push, "192.0.2.2:5", 1)
	look()
	type row struct{ from, why, lasted string }
	var got []row
	for _, n := range h.tenures(st) {
		long := ""
		if !n.Until.IsZero() {
			long = n.Until.Sub(n.Since).String()
		}
		got = append(got, row{n.Kind + " " + n.From, n.Why, long})
	}
	want := []row{{"push 192.0.2.2:5", "", ""}, {"push 192.0.2.9:5", "at once", "0s"}, {"push 192.0.2.1:5", "", "1m0s"},
		{"push 192.0.2.1:5", "reset <by> peer", "2m0s"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	page := r.get("/stream/a").Body.String()
	if !strings.Contains(page, "<td>2 min 0 s</td>") || !strings.Contains(page, "reset &lt;by&gt; peer") ||
		!strings.Contains(page, "<td>now, for ") {
		t.Errorf("the page does not have it: %s", page)
	}
	var told sourcesReport
	answer := r.get("/api/v1/streams/a/sources").Body.Bytes()
	if err := json.Unmarshal(answer, &told); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	got = nil
	for _, n := range told.Sources {
		got = append(got, row{n.Kind + " " + n.From, n.Why, long(t, n.Since, n.Until)})
	}
	if !slices.Equal(got, want) {
		t.Errorf("the API says %+v, want %+v", got, want)
	}
	for range 3 * maxTenures {
		src.End()
		look()
		src = r.feed(0, stream.Push, "192.0.2.3:5", 1)
		look()
	}
	if n := len(h.tenures(st)); n != maxTenures {
		t.Errorf("%d are kept, want %d", n, maxTenures)
	}
}

// long is the time between two moments as the API has them, empty if it is not over.
func long(t *testing.T, since, until string) string {
	t.Helper()
	from, err := time.Parse(time.RFC3339, since)
	if err != nil {
		t.Fatal(err)
	}
	if until == "" {
		return ""
	}
	to, err := time.Parse(time.RFC3339, until)
	if err != nil {
		t.Fatal(err)
	}
	return to.Sub(from).String()
}
