package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pumpd/server/accesslog"
	"pumpd/server/stream"
	"pumpd/server/tally"
)

// playerLine is what a player says of a stay, [MS-WMLOG] 2.2.1: figures are from avgbandwidth to c-quality where there
// is one to change.
func playerLine(bandwidth, received, lost, times, seconds, quality any) string {
	return fmt.Sprintf("0.0.0.0 2026-11-27 10:00:00 - http://pump.example/streams/a 0 104 1 210 {3300AD50} 12.0.1 en-US "+
		"WMFSDK/12.0.1 http://site.example/tv.php?secret=1 wmplayer.exe 12.0.1 Windows 6.1.0.7601 Pentium 0 0 %v http TCP "+
		"WMA_9.2 WMV9 - - 8220209 - %v %v 5 2 0 2 1 %v %v %v - - - -", bandwidth, received, lost, times, seconds, quality)
}

// clientIDOf is what the reply to a Play has.
func (p *peer) clientIDOf() string {
	_, after, _ := strings.Cut(string(p.got), "client-id=")
	id, _, _ := strings.Cut(after, "\r\n")
	return id
}

// report posts what a player says, in XML, on a connection of its own.
func (r *rig) report(from netip.Addr, path, id, line string) *peer {
	body := "<XML>\r\n<Summary>" + line + "</Summary>\r\n<c-ip>0.0.0.0</c-ip>\r\n</XML>"
	p := r.connectFrom(from)
	p.say(fmt.Sprintf("POST /streams/%s HTTP/1.1\r\nUser-Agent: %s\r\nPragma: client-id=%s\r\n"+
		"Content-Type: application/x-wms-LogStats;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
		path, wmpAgent, id, len(body), body))
	if !strings.HasPrefix(p.status(), "HTTP/1.1 204") {
		r.t.Errorf("a report is answered with %q, want 204", p.status())
	}
	return p
}

// histogramsOf are the figures of a stream's reports: count, sum, and how many are at or below a bound.
func histogramsOf(st *stream.Stream) string {
	n := st.Stats().Reports()
	if n == nil {
		return "none"
	}
	var out []string
	for _, h := range []*tally.Histogram{n.Bufferings, n.Buffering, n.Lost, n.Received, n.Rate} {
		v := h.View()
		out = append(out, fmt.Sprintf("%d:%v", v.Count, v.Sum))
	}
	return strings.Join(out, " ")
}

// What a player says counts once for each Play, and stands in its line of the access log.
func TestPlayerReport(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	book := r.visitsTo()
	f := r.feeder(0, 320)
	f.publish(5)
	st := r.reg.Streams()[0]
	watch := func(id string) *peer {
		p := r.connect()
		p.say("GET /streams/a HTTP/1.1\r\nUser-Agent: " + wmpAgent + "\r\nPragma: xPlayStrm=1" + id + "\r\n\r\n")
		return p
	}
	p := watch("")
	id := p.clientIDOf()
	p.hangUp()
	far := netip.MustParseAddr("192.0.2.77")
	r.report(far, "a", id, playerLine(1, 1, 1, 1, 1, 1))
	r.report(testClient, "a", "77", playerLine(1, 1, 1, 1, 1, 1))
	r.report(testClient, "none", id, playerLine(1, 1, 1, 1, 1, 1))
	r.report(testClient, "a", id, "")
	r.report(testClient, "a", id, "0.0.0.0 and so on")
	r.report(testClient, "a", id, playerLine("-", "-", "-", "-", "-", 100)) // of playing alone
	if got := histogramsOf(st); got != "none" {
		t.Fatalf("strangers and nonsense count: %s", got)
	}
	r.report(testClient, "a", id, playerLine(640000, 1235, 3, 4, 17, 99))
	const one = "1:4 1:17 1:3 1:0.99 1:80000"
	if got := histogramsOf(st); got != one {
		t.Errorf("got %s, want %s", got, one)
	}
	r.report(testClient, "a", id, playerLine(640000, 1235, 3, 4, 17, 99))
	if got := histogramsOf(st); got != one {
		t.Errorf("a second report of a Play counts: %s", got)
	}

	// Another Play of the session has another; sums bear what is too much.
	q := watch(", client-id=" + id)
	if q.clientIDOf() != id {
		t.Fatalf("client-id %s, want %s again", q.clientIDOf(), id)
	}
	r.report(testClient, "a", id, playerLine(uint32(4294967295), 10, uint32(4294967295), uint32(4294967295), "x", 101))
	q.hangUp()
	if got, want := histogramsOf(st), "2:1004 1:17 2:1.000003e+06 2:1.99 2:1.258e+07"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := histogramsOf(r.reg.Streams()[1]); got != "none" {
		t.Errorf("another stream has %s", got)
	}

	got := book.lines(t)
	if len(got) != 2 {
		t.Fatalf("%d lines, want two", len(got))
	}
	first := got[0].Report
	want := map[string]any{"c-status": 210.0, "c-rate": 1.0, "c-playerid": "{3300AD50}", "c-playerlanguage": "en-US",
		"cs(Referer)": "http://site.example/tv.php", "c-hostexe": "wmplayer.exe", "c-hostexever": "12.0.1", "c-os": "Windows",
		"c-osversion": "6.1.0.7601", "c-cpu": "Pentium", "avgbandwidth": 640000.0, "audiocodec": "WMA_9.2",
		"videocodec": "WMV9", "c-bytes": 8220209.0, "c-pkts-received": 1235.0, "c-pkts-lost-client": 3.0,
		"c-pkts-lost-net": 5.0, "c-pkts-lost-cont-net": 2.0, "c-resendreqs": 0.0, "c-pkts-recovered-ECC": 2.0,
		"c-pkts-recovered-resent": 1.0, "c-buffercount": 4.0, "c-totalbuffertime": 17.0, "c-quality": 99.0}
	if !maps.Equal(first, want) {
		t.Errorf("the line has %v, want %v", first, want)
	}
	if second := got[1].Report; second["c-pkts-received"] != 10.0 || second["c-totalbuffertime"] != nil {
		t.Errorf("the second line has %v, want its own report without c-totalbuffertime", second)
	}
}

// Old players, and all who take us for Rex, say it in a field.
func TestPlayerReportInPragma(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(5)
	p := r.watch("a", "NSPlayer/6.4")
	q := r.connect()
	q.say("POST /streams/a HTTP/1.0\r\nUser-Agent: NSPlayer/6.4\r\nPragma: client-id=" + p.clientIDOf() +
		"\r\nPragma: log-line=" + playerLine(640000, 1235, 3, 4, 17, 99) +
		"\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n")
	const want = "1:4 1:17 1:3 1:0.99 1:80000"
	if got := histogramsOf(r.reg.Streams()[0]); got != want || !strings.HasPrefix(q.status(), "HTTP/1.0 204") {
		t.Errorf("%s, answered %q; want %s and 204", got, q.status(), want)
	}
}

// The names are those of the access log: what it does not know would be nowhere.
func TestPlayerFieldsAreTheLogs(t *testing.T) {
	var out bytes.Buffer
	l := accesslog.New(accesslog.Stdout, "w3c", slog.New(slog.DiscardHandler))
	synctest.Test(t, func(t *testing.T) { // or a busy machine may take longer than Close waits
		if err := l.Start("pumpd", &out); err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
	_, names, _ := strings.Cut(out.String(), "#Fields: ")
	known := strings.Fields(names)
	for _, f := range playerFields {
		if !slices.Contains(known, f.name) {
			t.Errorf("the access log has %q, and no %s", known, f.name)
		}
	}
}
