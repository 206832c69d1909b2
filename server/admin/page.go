package admin

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
)

//go:embed status.html
var pageHTML string

//go:embed status.css
var pageCSS string

//go:embed status.js
var pageJS string

// pageTemplate is made of a pageView, twice. It needs nothing from anywhere else, so that it works where there is no
// internet.
var pageTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"count":   count,
	"viewers": func(n int64) string { return count(n) }, // also where there is a pointer
	"bytes":   func(n uint64) string { return scaled(float64(n), "B") },
	"rate":    func(n int64) string { return scaled(float64(n), "bit/s") },
	"seconds": duration,
	"lasted":  lasted,
	"host":    hostOnly,
	// html/template trusts no mmsh:; ours are made by urlsOf
	"link": func(url string) template.URL { return template.URL(url) },
}).Parse(pageHTML))

// pagePolicy lets our own style and script work and nothing else, should anything else get into the page.
var pagePolicy = fmt.Sprintf("default-src 'none'; img-src data:; style-src '%s'; script-src '%s'; "+
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	policyHash(pageCSS), policyHash(pageJS))

func policyHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// A pageView is what both pages are made of: the overview, and that of a stream.
type pageView struct {
	*statsReport
	Heading string
	Root    string // of links: where the overview is, seen from the page
	Pprof   bool
	Style   template.CSS
	Script  template.JS
	Past    []span
	Events  []event

	Rows []row // of the overview, worst first

	// Of a stream's page.
	Stream    *row
	Tenures   []tenure
	Listed    *viewersReport // nil: loops did not say
	Problem   string         // why
	Asked     url.Values
	NextPage  template.URL // a query of url.Values
	MayChange bool         // somebody may
}

// A row is a stream on the page.
type row struct {
	streamReport
	Why string
}

// Picture says in a word or two what there is to see and to hear.
func (r *row) Picture() string {
	var words []string
	for _, m := range r.Media {
		if s := m.brief(); s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, ", ")
}

// conditionOrder is how bad conditions are, the worst first.
var conditionOrder = []condition{
	conditionFailed, conditionOrphaned, conditionSilent, conditionSlate, conditionLive, conditionIdle,
}

func worse(a, b row) int {
	order := func(r row) int {
		return slices.IndexFunc(conditionOrder, func(c condition) bool { return c.String() == r.Condition })
	}
	return cmp.Compare(order(a), order(b))
}

func (a *Admin) page(w http.ResponseWriter, r *http.Request) {
	report := a.report(a.host(r))
	view := a.view(&report.statsReport, nil, "")
	view.Heading = fmt.Sprintf("pumpd: %s viewers", count(report.Viewers))
	for _, st := range report.Streams {
		view.Rows = append(view.Rows, row{st, whyOf(&st)})
	}
	slices.SortStableFunc(view.Rows, worse)
	show(w, "overview", view)
}

// streamPage shows one stream, and its viewers as the query wants them.
func (a *Admin) streamPage(w http.ResponseWriter, r *http.Request) {
	st := a.s.Streams.Find([]byte(r.PathValue("name")))
	if st == nil {
		http.NotFound(w, r)
		return
	}
	report := a.reportStream(st, a.host(r))
	report.Room = reportStreamRoom(a.s.Room().Streams[st.ID()])
	view := a.view(&statsReport{}, st, report.Path)
	view.Heading, view.Root = "pumpd: "+report.Title, "../"
	view.Stream = &row{report, whyOf(&report)}
	view.Tenures = a.rates.history.tenures(st)
	view.Asked, view.MayChange = r.URL.Query(), len(a.s.Config().AdminUsers) > 0
	view.list(a, r, report.Path)
	show(w, "stream", view)
}

// list adds a page of viewers.
func (v *pageView) list(a *Admin, r *http.Request, path string) {
	q, err := parseViewerQuery(v.Asked)
	if err == nil {
		q.Stream = path
		var page viewersReport
		page, err = a.viewers(r.Context(), q)
		v.Listed = &page
	}
	if err != nil {
		v.Listed, v.Problem = nil, err.Error()
		return
	}
	next := maps.Clone(v.Asked)
	next.Set("after", v.Listed.Next)
	v.NextPage = template.URL("?" + next.Encode())
}

func (a *Admin) view(stats *statsReport, st *stream.Stream, path string) *pageView {
	h := a.rates.history
	return &pageView{statsReport: stats, Pprof: a.s.Config().Pprof, Style: template.CSS(pageCSS),
		Script: template.JS(pageJS), Past: h.graphs(st), Events: h.recent(path)}
}

func show(w http.ResponseWriter, name string, view *pageView) {
	var out bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&out, name, view); err != nil {
		panic(err) // of our own template and types
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	w.Write(out.Bytes()) // who hangs up does not want it
}

// whyOf says in a line what an operator wants to know of a stream's source.
func whyOf(r *streamReport) string {
	switch {
	case r.Condition == "failed" && r.SourceError != "":
		return r.SourceError
	case r.Condition == "failed":
		for _, u := range r.Upstreams {
			if u.LastError != "" {
				return u.LastError + ", " + u.URL
			}
		}
	case r.Orphaned != nil:
		text := "viewers wait " + duration(r.Orphaned.Left) + " more"
		if r.Orphaned.Lost != "" {
			text += ", lost " + r.Orphaned.Lost
		}
		return text
	case r.Condition == "silent" && r.LastPacket != nil:
		return r.Source.Kind + " from " + r.Source.From + " sends nothing, for " + duration(*r.LastPacket)
	case r.Condition == "slate":
		return "the source is away, the slate plays"
	case r.Source != nil:
		return r.Source.Kind + " from " + r.Source.From
	case r.Type == config.TypePush:
		return "no encoder"
	}
	return ""
}

// count writes an integer 1234567 as 1,234,567.
func count(n any) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// scaled writes 1234567 as 1.23 M, in powers of 1000, with three digits.
func scaled(v float64, unit string) string {
	const prefixes = " kMGTPE"
	i := 0
	for v >= 999.5 && i < len(prefixes)-1 {
		v /= 1000
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	digits := 2 - int(math.Log10(v)) // 999.5 and more do not come here
	return fmt.Sprintf("%.*f %c%s", max(digits, 0), v, prefixes[i], unit)
}

// duration writes seconds in the two largest units that they have.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
}

const day = 24 * time.Hour

// lasted is how long a tenure was, or is so far. Looks are a second apart.
func lasted(t tenure) string {
	if t.Until.IsZero() {
		return "now, for " + duration(time.Since(t.Since).Seconds())
	}
	if long := t.Until.Sub(t.Since); long >= rateInterval {
		return duration(long.Seconds())
	}
	return "less than 1 s"
}

// hostOnly leaves the port off.
func hostOnly(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
