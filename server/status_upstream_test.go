package server

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Upstreams are on the page and in the JSON, their credentials are not.
func TestUpstreamsAreShown(t *testing.T) {
	urls := []string{"mmsh://user:secret@a.example/x?token=secret", "srv:user:secret@_mmsh._tcp.b.example/<b>?secret"}
	r := newAdminRig(t, StreamConfig{Path: "a", Type: typePull, URLs: urls})
	r.pull(upstreamView{name: asConfigured(urls[0]), state: upstreamFailed, failures: 1, again: r.at.add(time.Second / 2),
		last: newLastError(errors.New("upstream has ended the stream"), "ended", r.at)},
		upstreamView{name: asConfigured(urls[1])})
	json, page := r.get("/api/status").Body.String(), r.get("/").Body.String()
	for _, want := range []string{`"state": "failed"`, `"failures": 1`, `"again_seconds": 0.`, `"state": "idle"`,
		`"again_seconds": null`,
		`"url": "mmsh://…@a.example/x?…"`, `"url": "srv:…@_mmsh._tcp.b.example/`, `"condition": "idle"`,
		`"last_error": "upstream has ended the stream"`, `"last_error_seconds": 0`, `"last_error": ""`,
		`"last_error_seconds": null`} {
		if !strings.Contains(json, want) {
			t.Errorf("no %s in %s", want, json)
		}
	}
	for _, want := range []string{`<li class="failed"><span>failed</span>mmsh://…@a.example/x?…`,
		" · 1 failed · again in 0.",
		"<em>upstream has ended the stream · 0.0 s ago</em>", `<li class="idle"><span>idle</span>srv:…@_mmsh`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	for _, mustNot := range []string{"secret", "token", "<b>"} {
		if strings.Contains(json, mustNot) || strings.Contains(page, mustNot) {
			t.Errorf("%s is shown: %s %s", mustNot, json, page)
		}
	}
}
