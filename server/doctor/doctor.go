// Package doctor plays a stream as each kind of client does, and says in plain words what keeps which of them from
// playing it well. It is a client like any other: it sees what goes over the wire, and needs no pump at the other end.
//
//	Examine ─▶ client: what one kind asks and bears ─▶ answer ─▶ reception: what its packets say ─▶ Findings
//	House   ─▶ the machine and the configuration that a pump runs with
package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options of Examine.
type Options struct {
	URL      string        // mmsh, mms, http; mmshs, https for TLS. It may have credentials
	Watch    time.Duration // for how long the stream is watched; what takes longer to show is not found
	Patience time.Duration // how long a connection, or an answer, may take
	TLS      *tls.Config   // how certificates are judged; nil: as the system does
	Here     bool          // the pump is on this machine: its certificate is hardly for the address that URL has
}

// A Severity says how bad a Finding is.
type Severity string

const (
	Fault   Severity = "fault"   // somebody does not get a picture
	Warning Severity = "warning" // it plays, but not as it could, or not for long
	Note    Severity = "note"    // good to know
)

// A Finding is one thing that was found out.
type Finding struct {
	Kind     string   `json:"kind"` // one word of Kinds
	Severity Severity `json:"severity"`
	Clients  []string `json:"clients,omitempty"` // whom it concerns; none: everybody
	Text     string   `json:"text"`              // what was seen
	Advice   string   `json:"advice,omitempty"`  // what can be done
}

// Kinds are all kinds of Findings, for scripts. docs/doctor.md explains each.
var Kinds = []string{
	"bitrate", "bursts", "certificate", "chunked", "clock", "config", "content", "ended", "fields", "files", "forward",
	"frames", "gaps", "header", "kernel", "keyframes", "login", "open", "protected", "proxy", "redirect", "silent",
	"slow", "status", "time", "unreachable", "videos",
}

// A Report is what Examine and House say.
type Report struct {
	Subject  string    `json:"subject"`          // the URL without secrets, or the configuration's name
	Stream   string    `json:"stream,omitempty"` // what was played, for people
	Clients  []string  `json:"clients"`          // that got packets
	Findings []Finding `json:"findings"`
}

// Worst is the worst Severity of all Findings, "" without any.
func (r *Report) Worst() Severity {
	for _, s := range []Severity{Fault, Warning, Note} {
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == s }) {
			return s
		}
	}
	return ""
}

// An examination is one call of Examine.
type examination struct {
	options Options
	at      endpoint
	clients []*client
	begun   time.Time // a certificate is judged by it, so that the same is said of it on each connection

	mu       sync.Mutex
	findings []Finding
	played   []string
}

// Examine plays a stream. The error is of a URL that is none; whatever else goes wrong is a Finding.
func Examine(ctx context.Context, o Options) (*Report, error) {
	at, err := parseEndpoint(o.URL)
	if err != nil {
		return nil, err
	}
	x := &examination{options: o, at: at, clients: clientsFor(at), begun: time.Now()}
	r := &Report{Subject: at.String(), Clients: []string{}}
	if x.reach(ctx) {
		r.Stream = x.playAll(ctx)
	}
	slices.Sort(x.played)
	r.Clients = append(r.Clients, x.played...)
	r.Findings = x.merged()
	return r, nil
}

// reach connects once, to tell what is wrong with the way there from what is wrong with the stream.
func (x *examination) reach(ctx context.Context) bool {
	conn, err := x.dial(ctx, x.at)
	if err != nil {
		advice := "Is the pump running, and listening on that address? Does a firewall let the port through?"
		if _, ok := errors.AsType[*nameError](err); ok {
			advice = "Is the name spelled right? Look into /etc/hosts, and ask the DNS servers of /etc/resolv.conf."
		}
		x.find(nil, Finding{Kind: "unreachable", Severity: Fault, Text: err.Error(), Advice: advice})
		return false
	}
	conn.Close()
	return true
}

// playAll has all clients play, two at a time: viewers of one address may be limited. The first watches for long, and
// what it saw is the stream's.
func (x *examination) playAll(ctx context.Context) string {
	var seen *reception
	var long sync.WaitGroup
	long.Go(func() { seen = x.play(ctx, x.clients[0], x.options.Watch) })
	others := x.clients[1:]
	for _, c := range others {
		w := x.play(ctx, c, min(x.options.Watch, shortWatch))
		if c == others[len(others)-1] {
			long.Wait()
			if seen == nil {
				seen = w
			}
		}
	}
	long.Wait()
	if seen == nil || seen.header == nil {
		return ""
	}
	for _, f := range seen.judge() {
		x.find(nil, f)
	}
	return seen.String()
}

// shortWatch is for clients that only have to show whether they get packets.
const shortWatch = time.Second

// find adds a Finding of a client's; nil: of everybody's.
func (x *examination) find(c *client, f Finding) {
	if c != nil {
		f.Clients = []string{c.name}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.findings = append(x.findings, f)
}

// merged makes one Finding of those that clients share, worst first.
func (x *examination) merged() []Finding {
	var list []Finding
	for _, f := range x.findings {
		i := slices.IndexFunc(list, func(o Finding) bool {
			return o.Kind == f.Kind && o.Severity == f.Severity && o.Text == f.Text && o.Advice == f.Advice
		})
		if i < 0 {
			list = append(list, f)
			continue
		}
		list[i].Clients = append(list[i].Clients, f.Clients...)
	}
	for i := range list {
		slices.Sort(list[i].Clients)
		list[i].Clients = slices.Compact(list[i].Clients) // on two connections
		if len(list[i].Clients) == len(x.clients) {
			list[i].Clients = nil
		}
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return list
}

func rank(s Severity) int { return slices.Index([]Severity{Fault, Warning, Note}, s) }

// Text is the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Subject)
	if r.Stream != "" {
		fmt.Fprintf(&b, "  %s\n", r.Stream)
	}
	for _, f := range r.Findings {
		who := "everybody"
		if len(f.Clients) > 0 {
			who = strings.Join(f.Clients, ", ")
		}
		fmt.Fprintf(&b, "  %-8s %s: %s\n           %s\n", f.Severity, f.Kind, who, f.Text)
		if f.Advice != "" {
			fmt.Fprintf(&b, "           > %s\n", f.Advice)
		}
	}
	switch {
	case len(r.Clients) > 0:
		fmt.Fprintf(&b, "  plays    %s\n", strings.Join(r.Clients, ", "))
	case len(r.Findings) == 0:
		b.WriteString("  nothing is wrong\n")
	}
	return b.String()
}
