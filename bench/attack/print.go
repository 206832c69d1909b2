package attack

import (
	"fmt"
	"io"
	"strings"

	"pumpd/bench/latency"
	"pumpd/bench/machine"
)

// Print is the report for people.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", r.Kind.Name, r.Kind.About)
	p := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-11s "+format+"\n", append([]any{name}, args...)...)
	}
	p("attack", "%d connections, %d requests (%.0f a second) in %.1f s, %.1f CPU s; %s", r.Deeds.Connections,
		r.Deeds.Requests, r.Deeds.rate(), r.Deeds.Seconds, r.Deeds.CPU, r.answers())
	p("honest", "%d viewers, %d checked with newcomers, %d packets: %s; %d disconnects",
		r.Options.Viewers, r.Checked, r.Packets, r.gaps(), r.Before.Lost+r.During.Lost+r.After.Lost)
	p("", "%-27s%-27s%s", "before", "during", "after")
	row := func(name string, of func(*Phase) string) {
		p(name, "%-27s%-27s%s", of(&r.Before), of(&r.During), of(&r.After))
	}
	row("latency", func(p *Phase) string { return spread(p.Latency, false) })
	row("newcomers", func(p *Phase) string {
		s := spread(p.Joins, true)
		if p.Without > 0 {
			s += fmt.Sprintf(" (%d none)", p.Without)
		}
		return s
	})
	row("CPU", func(p *Phase) string { return fmt.Sprintf("%.2f s", p.Peak.CPU) })
	row("most RSS", func(p *Phase) string { return fmt.Sprintf("%.1f MB", float64(p.Peak.RSS)/1e6) })
	row("descriptors", func(p *Phase) string { return fmt.Sprintf("at most %d", p.Peak.Descriptors) })
	row("others", func(p *Phase) string { return fmt.Sprintf("%.0f %% of the machine", 100*p.Others) })
	p("left", "%.1f MB, %d descriptors %.1f s after the attack; before it %.1f and %d", float64(r.Left.RSS)/1e6,
		r.Left.Descriptors, r.Took, float64(r.Base.RSS)/1e6, r.Base.Descriptors)
	if r.Before.Others > machine.MaxOthers || r.During.Others > machine.MaxOthers {
		p("note", "other programs took part of the machine: not a quiet measurement")
	}
	verdict := "good"
	if problems := r.Problems(); len(problems) > 0 {
		verdict = "BAD: " + strings.Join(problems, "; ")
	}
	p("verdict", "%s", verdict)
}

// answers is what the attacker got.
func (r *Report) answers() string {
	if len(r.Deeds.Answers) == 0 {
		return "no answers"
	}
	return counts(r.Deeds.Answers)
}

// gaps is what was wrong with what honest viewers got.
func (r *Report) gaps() string {
	if len(r.Faults) == 0 {
		return "0 gaps"
	}
	return counts(r.Faults)
}

// spread is "2.1 / 8.0 ms", and with the largest "2.1 / 8.0 / 9.7 ms".
func spread(s *latency.Spread, most bool) string {
	switch {
	case s == nil:
		return "none"
	case most:
		return fmt.Sprintf("%.1f / %.1f / %.1f ms", s.P50, s.P99, s.Max)
	}
	return fmt.Sprintf("%.1f / %.1f ms", s.P50, s.P99)
}

// PrintTable is all reports as one table in Markdown.
func PrintTable(w io.Writer, all []*Report) {
	fmt.Fprintln(w, "| attack | connections | requests/s | p50 / p99 before | during | after | gaps, disconnects "+
		"| newcomers p50 / p99 / max | RSS before, max, end | descriptors | verdict |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range all {
		verdict := "good"
		if len(r.Problems()) > 0 {
			verdict = "**bad**"
		}
		const row = "| %s | %d | %.0f | %s | %s | %s | %s, %d | %s | %.1f, %.1f, %.1f MB | %d, %d, %d | %s |\n"
		fmt.Fprintf(w, row, r.Kind.Name, r.Deeds.Connections, r.Deeds.rate(),
			spread(r.Before.Latency, false), spread(r.During.Latency, false), spread(r.After.Latency, false),
			r.gaps(), r.Before.Lost+r.During.Lost+r.After.Lost, spread(r.During.Joins, true),
			float64(r.Base.RSS)/1e6, float64(r.During.Peak.RSS)/1e6, float64(r.Left.RSS)/1e6,
			r.Base.Descriptors, r.During.Peak.Descriptors, r.Left.Descriptors, verdict)
	}
}
