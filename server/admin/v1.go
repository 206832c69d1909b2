package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A route of the API. docs/openapi.json says what each is asked and answers; a test makes it of this table and of the
// types.
type route struct {
	method, path string
	serve        http.HandlerFunc
}

// routes are those of /api/v1. GET changes nothing.
func (a *Admin) routes() []route {
	return []route{
		{"GET", "/api/v1/stats", a.apiStats},
		{"GET", "/api/v1/streams", a.apiStreams},
		{"GET", "/api/v1/streams/{name}", a.apiStream},
		{"GET", "/api/v1/streams/{name}/sources", a.apiSources},
		{"GET", "/api/v1/streams/{name}/viewers", a.apiViewers},
		{"GET", "/api/v1/viewers", a.apiViewers},
		{"GET", "/api/v1/bans", a.apiBans},
		{"GET", "/api/v1/reload", a.apiReload},
		{"GET", "/api/v1/log", a.apiLog},
		{"POST", "/api/v1/kick", changed(a, "kick", held(a, a.kick))},
		{"POST", "/api/v1/bans", changed(a, "ban", held(a, a.ban))},
		{"POST", "/api/v1/bans/remove", changed(a, "ban removed", held(a, a.unban))},
		{"POST", "/api/v1/reload", changed(a, "reload", a.reload)},
		{"POST", "/api/v1/drain", changed(a, "drain", held(a, a.drain))},
		{"POST", "/api/v1/log", changed(a, "log level", a.setLevel)},
	}
}

// methods are those of a path, as the field Allow has them; "" where it is none of the routes without a name in it.
func (a *Admin) methods(path string) string {
	var methods []string
	for _, to := range a.routes() {
		if to.path == path {
			methods = append(methods, strings.Replace(to.method, "GET", "GET, HEAD", 1))
		}
	}
	return strings.Join(methods, ", ")
}

// unknown says whether a path of the API is none, whatever the method.
func (a *Admin) unknown(r *http.Request) bool {
	_, pattern := a.mux.Handler(&http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host})
	return strings.HasPrefix(pattern, "/api/v1") && a.methods(r.URL.Path) == ""
}

// noRoute gets what no route of the API takes.
func (a *Admin) noRoute(w http.ResponseWriter, r *http.Request) {
	if !a.unknown(r) {
		a.refuseMethod(w, r)
		return
	}
	fail(w, http.StatusNotFound, fmt.Errorf("path: %.200q, not in the API; docs/openapi.json has all of it", r.URL.Path))
}

// isChange says whether a request is a POST of the API, which serve lets through for that.
func (a *Admin) isChange(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	for _, c := range a.routes() {
		if c.method == r.Method && c.path == r.URL.Path { // none has a name in its path
			return true
		}
	}
	return false
}

func (a *Admin) apiStats(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, a.report(a.host(r)).statsReport)
}

// A streamsReport has all streams, in the order of the configuration.
type streamsReport struct {
	Streams []streamReport `json:"streams"` // disabled ones left out
}

func (a *Admin) apiStreams(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, streamsReport{a.report(a.host(r)).Streams})
}

// A sourcesReport says who has fed a stream.
type sourcesReport struct {
	Sources []tenureReport `json:"sources"` // the newest first, twenty at the most
}

// A tenureReport is the time for which somebody has fed a stream. It is looked at once a second.
type tenureReport struct {
	sourceReport
	Since string `json:"since"`           // RFC 3339
	Until string `json:"until,omitempty"` // RFC 3339; absent: it still does
	Why   string `json:"why"`             // it ended; empty: nobody said, or it still does
}

func (a *Admin) apiSources(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	st := a.s.Streams.Find([]byte(name))
	if st == nil {
		failWith(w, noStream(name))
		return
	}
	report := sourcesReport{Sources: []tenureReport{}}
	for _, t := range a.rates.history.tenures(st) {
		one := tenureReport{sourceReport: sourceReport{t.Kind, t.From}, Why: t.Why,
			Since: t.Since.UTC().Format(time.RFC3339)}
		if !t.Until.IsZero() {
			one.Until = t.Until.UTC().Format(time.RFC3339)
		}
		report.Sources = append(report.Sources, one)
	}
	writeJSON(w, http.StatusOK, report)
}

// A viewersReport is a page of viewers. Those who come and go between two pages are missed or not, the others are on
// one page each.
type viewersReport struct {
	Viewers []viewerReport `json:"viewers"`
	Next    string         `json:"next,omitempty"` // after of the next page; absent: this is the last one
}

// A viewerReport is a viewer at the moment.
type viewerReport struct {
	ID      string  `json:"id"`          // as long as it watches
	Stream  string  `json:"stream"`      // path
	Address string  `json:"address"`     // with its port; what a trusted proxy says, if there is one
	Agent   string  `json:"agent"`       // what it calls itself
	Name    string  `json:"name"`        // who it has shown to be; empty: nobody asked
	Dialect string  `json:"dialect"`     // what it is sent, by its name
	TLS     bool    `json:"tls"`         // to us, not only to a proxy in front
	Relay   bool    `json:"relay"`       // a server that passes the stream on
	Seconds float64 `json:"seconds"`     // since it joined
	Bytes   uint64  `json:"bytes"`       // that its socket has taken
	Skips   uint32  `json:"skips"`       // times that it was moved to a newer key frame
	Lag     float64 `json:"lag_seconds"` // by which it is behind the others
	Blocked bool    `json:"blocked"`     // its socket is full
}

func reportViewer(v *Viewer) viewerReport {
	return viewerReport{ID: v.ID.String(), Stream: v.Stream, Address: v.From.String(), Agent: v.Agent, Name: v.Name,
		Dialect: v.Dialect, TLS: v.TLS, Relay: v.Relay, Seconds: seconds(v.Age), Bytes: v.Bytes, Skips: v.Skips,
		Lag: seconds(v.Lag), Blocked: v.Blocked}
}

const (
	viewersPage = 100
	mostViewers = 1000             // on a page
	askTime     = 10 * time.Second // for loops to say what they have
)

// viewerKeys are what the list of viewers can be asked for.
var viewerKeys = []string{"stream", "address", "agent", "behind", "after", "limit"}

// onlyKnown refuses a query with a name that is none of those: what is misspelt would leave nobody out.
func onlyKnown(in url.Values, names []string) error {
	for name := range in {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%.80q: unknown, want some of %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

func (a *Admin) apiViewers(w http.ResponseWriter, r *http.Request) {
	if err := onlyKnown(r.URL.Query(), viewerKeys); err != nil {
		failWith(w, err)
		return
	}
	q, err := parseViewerQuery(r.URL.Query())
	if err != nil {
		failWith(w, err)
		return
	}
	if name := r.PathValue("name"); name != "" {
		if a.s.Streams.Find([]byte(name)) == nil {
			failWith(w, noStream(name))
			return
		}
		q.Stream = name
	}
	report, err := a.viewers(r.Context(), q)
	if err != nil {
		failWith(w, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

// viewers gives a page of them.
func (a *Admin) viewers(ctx context.Context, q ViewerQuery) (viewersReport, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	list, err := a.s.Viewers(ctx, q)
	report := viewersReport{Viewers: []viewerReport{}}
	for i := range list {
		report.Viewers = append(report.Viewers, reportViewer(&list[i]))
	}
	if n := len(list); n > 0 && n == q.Most {
		report.Next = report.Viewers[n-1].ID
	}
	return report, err
}

// parseViewerQuery reads viewerKeys.
func parseViewerQuery(in url.Values) (q ViewerQuery, err error) {
	q = ViewerQuery{Stream: in.Get("stream"), Agent: in.Get("agent"), Most: viewersPage}
	if s := in.Get("address"); s != "" {
		if q.Network, err = parseNetwork(s); err != nil {
			return q, err
		}
	}
	if s := in.Get("after"); s != "" {
		if q.After, err = parseViewerID(s); err != nil {
			return q, err
		}
	}
	if s := in.Get("behind"); s != "" {
		if q.Behind, err = strconv.ParseBool(s); err != nil {
			return q, fmt.Errorf("behind: %.80q, want true or false", s)
		}
	}
	if s := in.Get("limit"); s != "" {
		if q.Most, err = strconv.Atoi(s); err != nil || q.Most < 1 || q.Most > mostViewers {
			return q, fmt.Errorf("limit: %.80q, want 1 to %d", s, mostViewers)
		}
	}
	return q, nil
}

func noStream(name string) error {
	return problem{http.StatusNotFound, fmt.Errorf("stream: %.200q, not in the configuration", name)}
}
