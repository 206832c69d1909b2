package admin

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/server/stream"
)

// The curves have a point for each of their steps, go back as far as they say, and no further.
func TestTrend(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	st := r.s.Streams.Streams()[0]
	for i := range 2 * 24 * 3600 {
		st.Stats().Viewers.Store(int64(i))
		r.at = r.at.Add(time.Second)
		r.rates.sample(r.at)
	}
	past := r.rates.history.of[st]
	for _, c := range []struct {
		curve curve
		want  int
		long  int
	}{{past.hour, hourPoints, 3600}, {past.day, dayPoints, 24 * 3600}, {r.rates.history.pump.hour, hourPoints, 3600}} {
		points := c.curve.inOrder()
		if len(points) != c.want {
			t.Fatalf("%d points, want %d", len(points), c.want)
		}
		step := c.long / c.want
		for i, p := range points[1:] {
			if got := int(p.viewers - points[i].viewers); got != step {
				t.Fatalf("from point %d to the next %d s, want %d", i, got, step)
			}
		}
		if last := int(points[c.want-1].viewers); last < 2*24*3600-1-step {
			t.Errorf("the last point is of second %d", last)
		}
	}
	page := r.get("/stream/a").Body.String()
	if n := strings.Count(page, `<path d="M`); n != 6 {
		t.Errorf("%d curves on the page, want 6", n)
	}
}

func TestGraph(t *testing.T) {
	points := []point{{viewers: 0}, {viewers: 5}, {viewers: 10}}
	of := func(p point) uint32 { return p.viewers }
	g := draw("viewers", "1 h", points, 6, of, func(n uint32) string { return fmt.Sprint(n) })
	if want := "M200.0 60.0L250.0 31.0L300.0 2.0"; g.Line != want || g.Most != "10" {
		t.Errorf("%q up to %s, want %q up to 10", g.Line, g.Most, want)
	}
	if g := draw("viewers", "1 h", nil, 6, of, func(uint32) string { return "" }); g.Line != "" {
		t.Errorf("nothing is drawn as %q", g.Line)
	}
}

// What happens to streams is told: on the overview of all, on a stream's page of that one.
func TestEvents(t *testing.T) {
	r := newRig(t, pushStream("a", ""), pushStream("b", ""))
	look := func() {
		r.at = r.at.Add(time.Second)
		r.rates.sample(r.at)
	}
	look()
	src := r.feed(0, stream.Push, "192.0.2.1:5", 1)
	look()
	src.Lost(io.EOF)
	look()
	if all := r.rates.history.recent(""); len(all) != 2 || all[0].Text != "orphaned, was fed from 192.0.2.1:5" ||
		all[1].Text != "live, push from 192.0.2.1:5" {
		t.Errorf("got %+v", all)
	}
	if page := r.get("/").Body.String(); !strings.Contains(page, "lost 192.0.2.1:5, viewers wait 29 s more") ||
		!strings.Contains(page, "<b>a</b> orphaned, was fed") {
		t.Errorf("the overview does not say so: %s", page)
	}
	if page := r.get("/stream/b").Body.String(); strings.Contains(page, "192.0.2.1") {
		t.Error("another stream's page has it too")
	}
	for range 3 * maxEvents {
		r.rates.history.tell(event{Text: "x"})
	}
	if n := len(r.rates.history.recent("")); n != maxEvents {
		t.Errorf("%d are kept, want %d", n, maxEvents)
	}
}

// A stream's page lists its viewers as it is asked to, and has buttons where somebody may use them.
func TestViewersOnThePage(t *testing.T) {
	people := []Viewer{{ID: ViewerID{0, 7, 36}, From: netip.MustParseAddrPort("[2001:db8::1]:5"), Agent: `<b>"x"`,
		Age: time.Minute, Lag: 3 * time.Second}}
	r := newOpsRig(t)
	r.people = people
	page := r.get("/stream/demo?limit=1&address=2001:db8::/32").Body.String()
	for _, want := range []string{
		"[2001:db8::1]:5", `data-viewer="0-7-10"`, `data-network="2001:db8::1"`, "&lt;b&gt;&#34;x&#34;", `class="behind"`,
		`<a href="?address=2001%3Adb8%3A%3A%2F32&amp;after=0-7-10&amp;limit=1">next 1 →</a>`,
		`name="address" value="2001:db8::/32"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if page := r.get("/stream/demo?address=x").Body.String(); !strings.Contains(page, "want an address or a network") {
		t.Error("a wrong address is not told")
	}
	if t.Failed() {
		t.Log(page)
	}
	other := newRig(t, pushStream("demo", ""))
	other.people = people
	if page := other.get("/stream/demo").Body.String(); strings.Contains(page, "<button type") ||
		!strings.Contains(page, "admin_users") {
		t.Error("there are buttons that nobody may use")
	}
}
