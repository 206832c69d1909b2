package load

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"pumpd/bench/latency"
	"pumpd/bench/machine"
)

// printProgress is the line that says that the run is alive. On a terminal it stays one line.
func (r *run) printProgress(at time.Duration, bitRate float64) {
	if r.opt.Quiet {
		return
	}
	t, lap := r.sum(), r.clock.Lap()
	line := fmt.Sprintf("%4.0fs  %d watching, %d failed, %d refused, %d redirected, %d silent  %7.1f Mbit/s",
		at.Seconds(), t.Up, t.Failed, t.Refused, t.Redirected, t.Silent, bitRate/1e6)
	if lap != nil {
		line += fmt.Sprintf("  latency p50 %.0f p99 %.0f max %.0f ms", lap.P50, lap.P99, lap.Max)
	}
	if r.opt.PID != 0 {
		if u, err := machine.ProcessUsage(r.opt.PID); err == nil {
			line += fmt.Sprintf("  server %.1f MB", float64(u.RSS)/1e6)
		}
	}
	end := "\n"
	if f, ok := r.progress.(*os.File); ok && isTerminal(f) {
		end = "\x1b[K\r"
	}
	fmt.Fprint(r.progress, line+end)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Print is the summary for people.
func (s *Summary) Print(w io.Writer) {
	p := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-16s "+format+"\n", append([]any{name}, args...)...)
	}
	p("url", "%s (%s)", s.URL, s.Protocol)
	p("viewers", "%d of %d watching at the end, %d failed, %d silent",
		s.Watching, s.Viewers+s.Stalled+s.Slow+s.Herd, s.Failed, s.Silent)
	for _, why := range slices.Sorted(maps.Keys(s.Failures)) {
		p("", "%d × %s", s.Failures[why], why)
	}
	p("admitted", "%d", s.Admitted)
	for _, where := range slices.Sorted(maps.Keys(s.Redirects)) {
		p("sent elsewhere", "%d × status %s", s.Redirects[where], where)
	}
	for _, status := range slices.Sorted(maps.Keys(s.Refusals)) {
		p("refused", "%d × status %s", s.Refusals[status], status)
	}
	if s.Away > 0 {
		p("", "%d of them were yet to come back", s.Away)
	}
	for _, why := range slices.Sorted(maps.Keys(s.Returns)) {
		p("came back", "%d × %s", s.Returns[why], why)
	}
	if s.Cut+s.Skips > 0 {
		p("", "%d slow or stalled ones cut, %d skips of slow ones", s.Cut, s.Skips)
	}
	p("delivered", "%.3f GB in %.1f s, %.1f Mbit/s", float64(s.Bytes)/1e9, s.Seconds, s.BitsPerSec/1e6)
	if s.Bytes > 0 {
		p("", "the slowest viewer got %.0f %% of the median viewer's bytes", 100*s.SlowestPart)
	}
	s.printChecks(p)
	for _, row := range []struct {
		name string
		of   *latency.Spread
	}{
		{"latency", s.Latency}, {"  during herd", s.During},
		{"join", s.Joins}, {"  herd", s.HerdJoin},
		{"picture", s.Pictures}, {"  herd", s.HerdPictures},
		{"refusal", s.RefusalTimes},
	} {
		if row.of != nil {
			p(row.name, "p50 %.1f  p99 %.1f  max %.1f ms (%d)", row.of.P50, row.of.P99, row.of.Max, row.of.Count)
		}
	}
	s.printUse(p)
	if s.Interrupt {
		p("note", "interrupted before the end of the measurement")
	}
}

func (s *Summary) printChecks(p func(name, format string, args ...any)) {
	found := "no faults"
	if len(s.Faults) > 0 {
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(s.Faults)) {
			kinds = append(kinds, fmt.Sprintf("%d × %s", s.Faults[kind], kind))
		}
		found = strings.Join(kinds, ", ")
	}
	p("checked", "%d viewers, %d packets: %s", s.Sampled, s.Packets, found)
	if s.FirstFault != "" {
		p("", "first: %s", s.FirstFault)
	}
	if !s.Stamped && s.Packets > 0 {
		p("", "the source has no probes (it is not bench push -synthetic): gaps, content and latency were not checked")
	}
}

func (s *Summary) printUse(p func(name, format string, args ...any)) {
	if u := s.Server; u != nil {
		p("server", "%.2f CPU s, %.2f s/GB; RSS %.1f MB, %+.1f MB since before the viewers (%.0f bytes a viewer)",
			u.CPUSeconds, u.SecondsPerGB, float64(u.RSS)/1e6, float64(u.RSSGrowth)/1e6, u.BytesPerViewer)
	}
	p("kernel", "%+.1f MB of TCP memory on this machine (both ends of loopback connections)", float64(s.TCPMemory)/1e6)
	p("bench", "%.2f CPU s; machine %.0f %% busy", s.OwnCPU, 100*s.Busy)
	if s.Others > machine.MaxOthers {
		p("note", "other programs took %.0f %% of the machine: not a quiet measurement", 100*s.Others)
	}
	if s.Busy > 0.97 {
		p("note", "the machine had no CPU time left: latencies and rates are its limit, not the server's")
	}
}

// PrintBenchmark prints lines in the format of Go benchmarks, for benchstat.
func (s *Summary) PrintBenchmark(w io.Writer) {
	fmt.Fprintf(w, "\ngoos: %s\ngoarch: %s\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, machine.CPUModel())
	fmt.Fprintf(w, "BenchmarkLoad/%s/n=%d-%d 1 %.0f ns/op %.1f Mbit/s",
		s.Protocol, s.Viewers, runtime.NumCPU(), s.Seconds*1e9, s.BitsPerSec/1e6)
	if s.Server != nil {
		fmt.Fprintf(w, " %.3f cpu-s/GB %d rss-bytes", s.Server.SecondsPerGB, s.Server.RSS)
	}
	if s.Latency != nil {
		fmt.Fprintf(w, " %.2f p50-ms %.2f p99-ms %.2f max-ms", s.Latency.P50, s.Latency.P99, s.Latency.Max)
	}
	fmt.Fprintf(w, " %d failed %d faults\n", s.Failed+s.Silent, s.FaultCount())
}

// FaultCount is the number of faults of all kinds.
func (s *Summary) FaultCount() int64 {
	var n int64
	for _, k := range s.Faults {
		n += k
	}
	return n
}

// Verdict is an error when a viewer failed, was refused (unless it was to come back), went silent, starved or saw a
// fault, and when nothing was delivered at all.
func (s *Summary) Verdict() error {
	starved, refused := s.SlowestPart < starvedShare, s.Refused
	if s.Reconnect { // they came back, or would have
		refused = 0
	}
	if s.Failed+refused+s.Silent+s.FaultCount() == 0 && !starved && s.Bytes > 0 {
		return nil
	}
	if s.Bytes == 0 {
		return fmt.Errorf("nothing was delivered; %d viewers failed, %d were refused", s.Failed, s.Refused)
	}
	if starved {
		return fmt.Errorf("a viewer got %.0f %% of what the median viewer got; %d failed, %d silent, %d faults",
			100*s.SlowestPart, s.Failed, s.Silent, s.FaultCount())
	}
	return fmt.Errorf("%d viewers failed, %d refused, %d silent, %d faults", s.Failed, refused, s.Silent, s.FaultCount())
}

// starvedShare: a viewer with less than this share of the median's bytes is starved.
const starvedShare = 0.5
