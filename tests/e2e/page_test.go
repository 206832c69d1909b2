//go:build players

package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// manyStreams are thirty: a film that is watched, more of them, what an encoder pushes, encoders that are lost or never
// came, and upstreams that are not there.
func manyStreams() string {
	all := fileStream("demo", "") + "title = \"Demo, with a title that says more than there is room for in a row\"\n"
	for i := 1; i <= 12; i++ {
		all += fileStream(fmt.Sprintf("film%d", i), "")
	}
	all += pushStream("pushed") + pushStream("lost")
	for i := 1; i <= 11; i++ {
		all += pushStream(fmt.Sprintf("idle%d", i))
	}
	for i := 1; i <= 4; i++ {
		all += pullStream(fmt.Sprintf("down%d", i), fmt.Sprintf("mmsh://127.0.0.1:1/upstream-that-is-not-there-%d", i))
	}
	return all
}

// startWatched is a pump with manyStreams, all of which have become what they are to be.
func startWatched(t *testing.T) *mortal {
	t.Helper()
	m := startMortal(t, "max_viewers = 500\nuplink = \"20Mbit\"\nadmin_users = [\"boss:knows the word\"]\n"+
		"[timeouts]\nsource_grace = \"10m\"", manyStreams())
	startEncoder(t, m, "pushed", synthetic)
	lost := startEncoder(t, m, "lost", synthetic)
	for _, stream := range []string{"demo", "pushed", "lost"} {
		waitLive(t, m.addr, streamPath(stream))
	}
	lost.kill9()
	m.awaitState(t, "lost", "orphaned")
	return m
}

// The status page in a browser: figures move, buttons do what they say, by keyboard too; it fits where it has to, can
// be read by day and by night, and wants nothing from anywhere else.
func TestStatusPage(t *testing.T) {
	b := startBrowser(t, "boss", "knows the word")
	m := startWatched(t)
	home := "http://" + m.admin + "/"
	for range 3 {
		startWatcher(t, m, nil)
	}
	victim, banned := startWatcher(t, m, net.IPv4(127, 8, 8, 8)), startWatcher(t, m, net.IPv4(127, 9, 9, 9))

	b.window(1440, 900, false)
	b.visit(home)
	b.await("five viewers", viewersAre("dl.sum", 5))
	b.await("a lost source", `document.querySelector("tr.orphaned .why").textContent.includes("viewers wait")`)
	b.await("four that have failed, on top",
		`[...document.querySelectorAll("tbody tr")].slice(0, 4).every((r) => r.className === "failed")`)
	testFits(b, 30)
	startWatcher(t, m, nil)
	b.await("one more viewer, without a click", viewersAre("dl.sum", 6))
	testLooks(b, "overview")

	b.visit(home + "stream/demo")
	b.await("six rows of viewers", `document.querySelectorAll("[data-viewer]").length === 6`)
	testKick(b, victim)
	testBan(b, m, banned)
	testLooks(b, "stream")
	b.visit(home + "stream/lost")
	b.await("why the source was lost", `document.querySelector(".sources").innerText.includes("client_closed")`)
	testLooks(b, "lost")

	asked, dialogs, broken := b.notes()
	if len(dialogs) != 2 {
		t.Errorf("the page asked %q, want to be asked twice", dialogs)
	}
	if len(broken) > 0 {
		t.Errorf("went wrong in the page: %q", broken)
	}
	if len(asked) < 5 {
		t.Errorf("the browser asked for %d things only", len(asked))
	}
	for _, url := range asked {
		if !strings.HasPrefix(url, home) && !strings.HasPrefix(url, "data:") && url != "about:blank" {
			t.Errorf("the page asked for %s", url)
		}
	}
}

// viewersAre is true in the page where a list of figures says how many watch.
func viewersAre(list string, n int) string {
	return fmt.Sprintf(`[...document.querySelectorAll("%s div")].some((d) => /^viewers\n%d\b/.test(d.innerText))`, list, n)
}

// testFits wants so many streams on a desk without a scroll bar, each on one line.
func testFits(b *browser, want int) {
	b.t.Helper()
	var got struct {
		Rows           int
		Bottom, Window float64
		Tallest        float64
	}
	b.eval(`({
		rows: document.querySelectorAll("table.streams tbody tr").length,
		bottom: document.querySelector("table.streams tbody tr:last-child").getBoundingClientRect().bottom,
		window: innerHeight,
		tallest: Math.max(...[...document.querySelectorAll("table.streams tbody tr")].map((r) => r.offsetHeight)),
	})`, &got)
	if got.Rows != want || got.Bottom > got.Window || got.Tallest > 32 {
		b.t.Errorf("%d rows down to %v of %v, the tallest of %v; want %d, without scrolling", got.Rows, got.Bottom,
			got.Window, got.Tallest, want)
	}
}

// testLooks looks at a page on a desk and a phone, by day and by night.
func testLooks(b *browser, name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.window(1440, 900, false)
		b.picture(name+"-"+scheme, false)
		b.picture(name+"-"+scheme+"-whole", true)
		testContrast(b, name+", "+scheme)
		testWidth(b, name, 1440)
		b.window(390, 844, true)
		b.picture(name+"-"+scheme+"-phone", true)
		testWidth(b, name+" on a phone", 390)
	}
	b.scheme("light")
	b.window(1440, 900, false)
}

// testWidth wants nothing that sticks out to the right.
func testWidth(b *browser, name string, window int) {
	b.t.Helper()
	var needs int
	b.eval("document.documentElement.scrollWidth", &needs)
	if needs > window {
		b.t.Errorf("%s: is %d wide in a window of %d", name, needs, window)
	}
}

// testContrast wants text that can be read: 4.5 to 1 at least (WCAG 2.1, 1.4.3).
func testContrast(b *browser, name string) {
	b.t.Helper()
	var bad []string
	b.eval(`(() => {
		const parts = (c) => c.match(/[\d.]+/g).map(Number);
		const light = (c) => {
			const [r, g, b] = parts(c).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
			return 0.2126 * r + 0.7152 * g + 0.0722 * b;
		};
		const behind = (e) => {
			for (; e; e = e.parentElement) {
				const c = getComputedStyle(e).backgroundColor, alpha = parts(c)[3];
				if (alpha === undefined || alpha === 1) return c;
			}
			return "rgb(255, 255, 255)";
		};
		const bad = new Set();
		for (const e of document.querySelectorAll("body *")) {
			if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.offsetParent) continue;
			const a = light(getComputedStyle(e).color), z = light(behind(e));
			const ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
			const what = e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 30);
			if (ratio < 4.5) bad.add(what + ": " + ratio.toFixed(2));
		}
		return [...bad];
	})()`, &bad)
	if len(bad) > 0 {
		b.t.Errorf("%s: cannot be read well: %q", name, bad)
	}
}

// testKick goes to a viewer's button by the keyboard alone and presses it: its connection ends as a stream does.
func testKick(b *browser, victim *watcher) {
	b.t.Helper()
	const most = 200 // things that can be reached
	for n, there := 0, false; !there; n++ {
		if n == most {
			b.t.Fatalf("the button of %s is not among the first %d that the tabulator key reaches", victim.from, most)
		}
		b.tab()
		b.eval(fmt.Sprintf(`document.activeElement.matches('[data-network="%s"] .kick')`, victim.from), &there)
	}
	b.enter()
	victim.awaitEnd(b.t)
	if victim.err != nil {
		b.t.Errorf("who was kicked: %v, want the end of the stream", victim.err)
	}
	b.await("the page says so", `!said.hidden && /^127\.8\.8\.8:\d+ was kicked\.$/.test(said.innerText)`)
	b.await("and does not list it", `!document.querySelector(".viewers").innerText.includes("127.8.8.8")`)
}

// testBan clicks on the button of one whose address is its own: it goes, and nobody from there gets in any more.
func testBan(b *browser, m *mortal, banned *watcher) {
	b.t.Helper()
	b.eval(`document.querySelector('[data-network="127.9.9.9"] .ban').click()`, nil)
	banned.awaitEnd(b.t)
	b.await("the page says so", `!said.hidden && said.innerText === "127.9.9.9 is banned for 24 hours."`)
	if v, err := openFrom(banned.from, m.addr, "demo", agentWMP); err == nil {
		v.conn.Close()
		b.t.Error("who was banned gets in")
	}
	startWatcher(b.t, m, nil)
}

// A watcher is a viewer of demo that reads until its connection ends.
type watcher struct {
	from  net.IP
	ended chan struct{}
	err   error // once it has ended; nil: as a stream ends
}

// startWatcher is from an address of this machine; nil: any.
func startWatcher(t *testing.T, m *mortal, from net.IP) *watcher {
	t.Helper()
	v, err := openFrom(from, m.addr, "demo", agentWMP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.conn.Close() })
	v.conn.SetDeadline(time.Time{})
	w := &watcher{from: from, ended: make(chan struct{})}
	go func() {
		_, w.err = v.rest()
		close(w.ended)
	}()
	return w
}

func (w *watcher) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-w.ended:
	case <-time.After(browserPatience):
		t.Fatalf("%s still watches", w.from)
	}
}
