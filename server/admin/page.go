package admin

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"time"
)

//go:embed status.html
var pageHTML string

//go:embed status.css
var pageCSS string

//go:embed status.js
var pageJS string

// pageTemplate is made of a pageView. It needs nothing from anywhere else, so that it works where there is no internet.
var pageTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"count":   count,
	"viewers": func(n int64) string { return count(n) }, // also where there is a pointer
	"bytes":   func(n uint64) string { return scaled(float64(n), "B") },
	"rate":    func(n int64) string { return scaled(float64(n), "bit/s") },
	"seconds": duration,
	// html/template trusts no mmsh:; ours are made by urlsOf
	"link": func(url string) template.URL { return template.URL(url) },
}).Parse(pageHTML))

// pagePolicy lets our own style and script work and nothing else, should anything else get into the page.
var pagePolicy = fmt.Sprintf("default-src 'none'; img-src data:; style-src '%s'; script-src '%s'; "+
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	policyHash(pageCSS), policyHash(pageJS))

func policyHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

type pageView struct {
	*report
	Pprof  bool
	Style  template.CSS
	Script template.JS
}

func (a *Admin) page(w http.ResponseWriter, r *http.Request) {
	view := pageView{a.report(a.host(r)), a.s.Config().Pprof, template.CSS(pageCSS), template.JS(pageJS)}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, view); err != nil {
		panic(err) // of our own template and types
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	w.Write(out.Bytes()) // who hangs up does not want it
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
