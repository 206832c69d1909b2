package compare

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/load"
	"pumpd/bench/machine"
	"pumpd/bench/quantity"
)

// A measure is what one round of one contestant gave. Negative: not known.
type measure struct {
	secondsPerGB float64
	bitRate      float64 // bit/s delivered
	microsASend  float64 // the floor only
	p50, p99     float64 // ms
	rss          float64 // bytes
	failed       int64   // viewers that failed or went silent
	faults       int64
	first        string  // fault or failure
	others       float64 // share of the machine that other programs took
	served       bool    // a server: the fields from p50 on are known
}

func measureOf(s *load.Summary) measure {
	m := measure{
		bitRate: s.BitsPerSec, failed: s.Failed + s.Silent, faults: s.FaultCount(), others: s.Others, first: s.FirstFault,
		served: true, p50: -1, p99: -1,
	}
	if s.Server != nil {
		m.secondsPerGB, m.rss = s.Server.SecondsPerGB, float64(s.Server.RSS)
	}
	if s.Latency != nil {
		m.p50, m.p99 = s.Latency.P50, s.Latency.P99
	}
	if s.Silent > 0 {
		m.first = fmt.Sprintf("%d × silent; %s", s.Silent, m.first)
	}
	for why, n := range s.Failures {
		m.first = fmt.Sprintf("%d × %s; %s", n, why, m.first)
	}
	return m
}

// problem says what went wrong for viewers.
func (m *measure) problem() string {
	return fmt.Sprintf("%d viewers failed, %d faults: %s", m.failed, m.faults, m.first)
}

// median of one value over the rounds; the mean of the middle two if they are even in number.
func median(rounds []measure, of func(measure) float64) float64 {
	var v []float64
	for _, m := range rounds {
		v = append(v, of(m))
	}
	slices.Sort(v)
	n := len(v)
	if n == 0 {
		return -1
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// Print writes one table for each point, then the machine and what is missing.
func (r *Results) Print(w io.Writer) {
	for _, at := range r.opt.Points {
		fmt.Fprintf(w, "**%s**: %d viewers × %s, packets of %d bytes\n\n", at.Name, at.Viewers, rate(at.Bitrate), at.Packet)
		fmt.Fprintln(w, "| | CPU s/GB | × floor | latency p50 / p99 | memory | delivered | failed viewers | faults |")
		fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
		floor := r.floorAt(at)
		for _, cell := range r.cells {
			if cell.point == at && len(cell.rounds) > 0 {
				fmt.Fprintln(w, cell.row(floor))
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s\n", r.conditions())
	if most := r.others(); most > machine.MaxOthers {
		fmt.Fprintf(w, "\nNot a quiet measurement: other programs took up to %.0f %% of the machine.\n", 100*most)
	}
	for _, why := range r.missing {
		fmt.Fprintf(w, "\nCould not run %s\n", why)
	}
}

// others is the largest share of the machine that other programs took in any round.
func (r *Results) others() float64 {
	most := 0.0
	for _, cell := range r.cells {
		for _, m := range cell.rounds {
			most = max(most, m.others)
		}
	}
	return most
}

func rate(b int) string {
	v := quantity.Number(b)
	return strings.NewReplacer("k", " kbit/s", "M", " Mbit/s").Replace(v.String())
}

// floorAt is the floor's s/GB at a point, -1 if it was not measured.
func (r *Results) floorAt(at Point) float64 {
	for _, cell := range r.cells {
		if cell.point == at && cell.name == floorName {
			return median(cell.rounds, func(m measure) float64 { return m.secondsPerGB })
		}
	}
	return -1
}

// row is one line of the table.
func (c *cell) row(floor float64) string {
	perGB := median(c.rounds, func(m measure) float64 { return m.secondsPerGB })
	ratio := "–"
	if floor > 0 {
		ratio = fmt.Sprintf("%.2f", perGB/floor)
	}
	delivered := fmt.Sprintf("%.0f Mbit/s", median(c.rounds, func(m measure) float64 { return m.bitRate })/1e6)
	if !c.rounds[0].served {
		return fmt.Sprintf("| %s, %.1f µs a send | %.2f | %s | – | – | %s | – | – |", c.name,
			median(c.rounds, func(m measure) float64 { return m.microsASend }), perGB, ratio, delivered)
	}
	var failed, faults int64
	for _, m := range c.rounds {
		failed, faults = max(failed, m.failed), max(faults, m.faults)
	}
	p50 := median(c.rounds, func(m measure) float64 { return m.p50 })
	p99 := median(c.rounds, func(m measure) float64 { return m.p99 })
	return fmt.Sprintf("| %s | %.2f | %s | %s / %s ms | %.0f MB | %s | %d | %d |", c.name, perGB, ratio,
		known(p50), known(p99), median(c.rounds, func(m measure) float64 { return m.rss })/1e6, delivered, failed, faults)
}

func known(v float64) string {
	if v < 0 {
		return "?"
	}
	return fmt.Sprintf("%.0f", v)
}

// conditions says where, when and how the figures were measured.
func (r *Results) conditions() string {
	var u unix.Utsname
	unix.Uname(&u)
	mtu := "?"
	if lo, err := net.InterfaceByName("lo"); err == nil {
		mtu = fmt.Sprint(lo.MTU)
	}
	s := fmt.Sprintf("%s, %d cores, Linux %s, loopback with an MTU of %s, %s. "+
		"Median of %d rounds of %s; the floor sends once in %s. "+
		"CPU is the server's alone; its viewers run on the same machine. A viewer without a byte after %s has failed.",
		machine.CPUModel(), runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), mtu, time.Now().Format("2 January 2006"),
		r.opt.Rounds, r.opt.Window, r.opt.Merge, r.opt.Patience)
	for _, p := range []string{"cubemap", "icecast2"} {
		if v := packageVersion(p); v != "" {
			s += fmt.Sprintf(" %s %s.", p, v)
		}
	}
	return s
}

// packageVersion asks dpkg, "" where it does not know.
func packageVersion(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// Verdict is an error when pumpd's viewers failed or saw faults, or nothing ran. The others' failures are their own.
func (r *Results) Verdict() error {
	ran := false
	for _, cell := range r.cells {
		for _, m := range cell.rounds {
			ran = true
			if strings.HasPrefix(cell.name, "pumpd") && m.failed+m.faults > 0 {
				return fmt.Errorf("%s at %s: %s", cell.name, cell.point.Name, m.problem())
			}
			if m.failed+m.faults > 0 {
				fmt.Fprintf(os.Stderr, "%s at %s: %s\n", cell.name, cell.point.Name, m.problem())
			}
		}
	}
	if !ran {
		return fmt.Errorf("nothing could run: %s", strings.Join(r.missing, "; "))
	}
	return nil
}
