package admin

import (
	"encoding/json"
	"net/http"
	"runtime"
	"time"

	"pumpd/server/clock"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// report is made for one request; host is the answer of a.host.
func (a *Admin) report(host string) *report {
	s, n, room := a.s, a.s.Counters(), a.s.Room()
	r := &report{Streams: []streamReport{}}
	r.statsReport = statsReport{
		Version:       s.Version,
		Go:            runtime.Version(),
		Node:          s.Node,
		State:         a.s.state().String(),
		UptimeSeconds: seconds(time.Duration(s.Clock.Now())),
		Listen:        []string{},
		Connections:   n.Connections,
		Limit:         n.Limit,
		Refused:       n.Refused,
		Room:          reportRoom(&room),
		Line:          reportLine(n.Line),
		Config:        reportConfig(s.Reload()),
		Quota:         reportQuota(n.Quota),
	}
	for _, addr := range a.listeners() {
		r.Listen = append(r.Listen, addr.String())
	}
	for _, st := range s.Streams.Streams() {
		one := a.reportStream(st, host)
		one.Room = reportStreamRoom(room.Streams[st.ID()])
		r.Viewers += one.Viewers
		r.BitrateIn += one.BitrateIn
		r.BitrateOut += one.BitrateOut
		r.Streams = append(r.Streams, one)
	}
	return r
}

func reportConfig(r Reload) configReport {
	return configReport{Loaded: r.Loaded.UTC().Format(time.RFC3339), Reload: r.OK, Error: r.Error,
		Restart: append([]string{}, r.Restart...)}
}

// reportStream has all but the room.
func (a *Admin) reportStream(st *stream.Stream, host string) streamReport {
	n, f := st.Stats(), feedOf(st)
	r := streamReport{
		Path:        st.Config().Path,
		Title:       st.Config().Heading(),
		Type:        st.Config().Type,
		State:       st.State().String(),
		Condition:   f.condition.String(),
		SourceKind:  f.word(),
		SourceUp:    f.up(),
		Viewers:     n.Viewers.Load(),
		Behind:      n.Behind.Load(),
		Blocked:     n.Blocked.Load(),
		Waiting:     n.Held.Load(),
		Joined:      n.Joined.Load(),
		Left:        map[string]uint64{},
		Declared:    declared(st),
		BitrateIn:   a.rates.flowOf(st).in.rate.Load(),
		BitrateOut:  a.rates.flowOf(st).out.rate.Load(),
		Preroll:     seconds(preroll(st)),
		Burst:       seconds(st.Backlog()),
		BytesIn:     n.BytesIn.Load(),
		BytesOut:    n.BytesOut.Load(),
		Packets:     n.PacketsIn.Load(),
		BadPackets:  n.BadPackets.Load(),
		Awaited:     n.SkippedPackets.Load(),
		Skips:       n.Skips.Load(),
		Generations: n.Generations.Load(),
		Switches:    n.Switches.Load(),
		URLs:        urlsOf(st, host),
	}
	if r.Behind > 0 {
		r.Lag = seconds(time.Duration(n.Lag.Load() / r.Behind))
	}
	for why := reason.None + 1; why < reason.Count; why++ {
		if left := n.Left[why].Load(); left > 0 {
			r.Left[why.String()] = left
		}
	}
	if fault := st.Fault(); f.condition == conditionFailed {
		r.SourceError = fault.Text
	}
	if f.fed {
		r.Source = &sourceReport{Kind: f.word(), From: f.from}
	}
	if left, ok := st.Patience(); ok {
		r.Orphaned = &orphanReport{Left: seconds(left), Lost: a.rates.history.lastFrom(st)}
	}
	r.Media = reportMedia(st.Header())
	if age, ok := st.Silence(); ok {
		ago := seconds(age)
		r.LastPacket = &ago
	}
	r.Upstreams = reportUpstreams(st.Upstreams(), a.s.Clock.Now())
	r.Forwards = reportForwards(st.Forwards(), a.s.Clock.Now())
	return r
}

func reportUpstreams(views []view.Upstream, now clock.Instant) (list []upstreamReport) {
	for _, v := range views {
		list = append(list, upstreamReport{URL: v.Name, State: v.State.String(), Failures: v.Failures,
			Again: until(v.Again, now), LastError: v.Last.Text, Erred: ago(v.Last, now)})
	}
	return list
}

func reportForwards(views []view.Forward, now clock.Instant) (list []forwardReport) {
	for _, v := range views {
		list = append(list, forwardReport{URL: v.Name, State: v.State.String(), Lag: seconds(v.Lag), Packets: v.Packets,
			Bytes: v.Bytes, Resent: v.Resent, Skips: v.Skips, Reconnects: v.Reconnects, Failures: v.Failures,
			Again: until(v.Again, now), LastError: v.Last.Text, Erred: ago(v.Last, now)})
	}
	return list
}

// until is how long it is to a moment, nil where that is past.
func until(t, now clock.Instant) *float64 {
	if t <= now {
		return nil
	}
	in := seconds(t.Since(now))
	return &in
}

// ago is how long an error is past, nil where there was none.
func ago(e view.Error, now clock.Instant) *float64 {
	if e.Text == "" {
		return nil
	}
	d := seconds(now.Since(e.At))
	return &d
}

// declared is the bit rate in the header that the stream has, 0 without one.
func declared(st *stream.Stream) int64 {
	if h := st.Header(); h != nil {
		return int64(h.Bitrate())
	}
	return 0
}

// preroll is what players buffer by the header, at most a day of it, 0 without one.
func preroll(st *stream.Stream) time.Duration {
	if h := st.Header(); h != nil {
		return time.Duration(min(h.Preroll, uint64(day/time.Millisecond))) * time.Millisecond
	}
	return 0
}

// seconds leaves off what is less than a millisecond.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (a *Admin) apiStatus(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, a.report(a.host(r)))
}

func (a *Admin) apiStream(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	st := a.s.Streams.Find([]byte(name))
	if st == nil {
		failWith(w, noStream(name))
		return
	}
	one := a.reportStream(st, a.host(r))
	one.Room = reportStreamRoom(a.s.Room().Streams[st.ID()])
	writeJSON(w, http.StatusOK, one)
}

func (a *Admin) apiReload(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, a.s.Preview())
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // of our own types
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(b, '\n')) // who hangs up does not want it
}
