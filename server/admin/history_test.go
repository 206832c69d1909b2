package admin

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/server/stream"
)

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
	if all := r.rates.history.recent(""); len(all) != 2 ||
		all[0].Text != "orphaned, push from 192.0.2.1:5 was lost: EOF" ||
		all[1].Text != "live, push from 192.0.2.1:5" {
		t.Errorf("got %+v", all)
	}
	if page := r.get("/").Body.String(); !strings.Contains(page, "viewers wait 29 s more, lost 192.0.2.1:5") ||
		!strings.Contains(page, "<b>a</b> orphaned, push from") {
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
		"[2001:db8::1]:5", `data-viewer="0-7-10" data-network="2001:db8::1"`, "&lt;b&gt;&#34;x&#34;", `class="behind"`,
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
