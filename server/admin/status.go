package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// A report is the answer of /api/status and what the status page shows. Its names are an interface: fields may be
// added, none goes away or changes its meaning. Times are seconds, rates are bits per second over the last five
// seconds, and counters run since the start.
type report struct {
	Version       string         `json:"version"`
	Go            string         `json:"go"`    // what it was built with
	Node          string         `json:"node"`  // its name among pumps; another with every start
	State         string         `json:"state"` // starting, ready or stopping
	UptimeSeconds float64        `json:"uptime_seconds"`
	Listen        []string       `json:"listen"`      // addresses of the listeners; empty while starting
	Connections   int64          `json:"connections"` // open ones: viewers, encoders and any other
	Limit         int64          `json:"connection_limit"`
	Refused       uint64         `json:"connections_refused"` // over the limit
	Viewers       int64          `json:"viewers"`             // of all streams, as the next two
	BitrateIn     int64          `json:"bitrate_in"`
	BitrateOut    int64          `json:"bitrate_out"`
	Streams       []streamReport `json:"streams"` // in the order of the configuration, disabled ones left out
}

// A streamReport is the answer of /api/streams/NAME. See statusReport for its rules.
type streamReport struct {
	Path        string            `json:"path"`
	Title       string            `json:"title"`                  // the path if none is configured
	Type        string            `json:"type"`                   // mmsh_push, mmsh_pull or file
	State       string            `json:"state"`                  // for viewers: idle, live, orphaned: lost, may come back
	Condition   string            `json:"condition"`              // for operators, see condition
	SourceKind  string            `json:"source_kind"`            // what feeds it now: push, pull, file, slate or none
	SourceUp    bool              `json:"source_up"`              // its own source feeds it, not the slate
	SourceError string            `json:"source_error,omitempty"` // why a file does not play
	Source      *sourceReport     `json:"source"`
	Viewers     int64             `json:"viewers"`
	Waiting     int64             `json:"waiting"`          // for the stream to come up, see hold
	Joined      uint64            `json:"joined"`           // viewers that ever were
	Left        map[string]uint64 `json:"left"`             // viewers that are no more, by reason; absent: none
	Declared    int64             `json:"bitrate_declared"` // by the source's header; 0: no header, or it does not say
	BitrateIn   int64             `json:"bitrate_in"`
	BitrateOut  int64             `json:"bitrate_out"`
	Preroll     float64           `json:"preroll_seconds"`     // what players buffer, by the header; 0: no header
	Burst       float64           `json:"burst_seconds"`       // of stream that a viewer would get at once
	BytesIn     uint64            `json:"bytes_in"`            // of packets, as the source sent them
	BytesOut    uint64            `json:"bytes_out"`           // of replies and packets, to viewers
	Packets     uint64            `json:"packets"`             // from the source, good ones; none of the slate
	BadPackets  uint64            `json:"bad_packets"`         // dropped: not packets of the header
	Awaited     uint64            `json:"packets_before_key"`  // dropped: before a source's first key frame
	Skips       uint64            `json:"skips"`               // times that a slow viewer was moved to a newer key frame
	Generations uint64            `json:"generations"`         // headers, or breaks in time, that viewers had to cross
	Switches    uint64            `json:"switches"`            // from one upstream to another without an outage
	LastPacket  *float64          `json:"last_packet_seconds"` // ago; null: there was none
	URLs        urlReport         `json:"urls"`
	Upstreams   []upstreamReport  `json:"upstreams,omitempty"` // of a pull, in order of preference
}

// A sourceReport is who feeds a stream; null: nobody does.
type sourceReport struct {
	Kind string `json:"kind"` // push, pull, file or slate
	From string `json:"from"` // an address, a URL without credentials, a file or, of the slate, builtin
}

// An upstreamReport is one that a pull may read, and what it does.
type upstreamReport struct {
	URL       string   `json:"url"`                // as configured, without credentials and query
	State     string   `json:"state"`              // see stream.UpstreamState
	Failures  int      `json:"failures"`           // in a row
	Again     *float64 `json:"again_seconds"`      // until it is asked or feeds next; null: nothing is planned
	LastError string   `json:"last_error"`         // it may be good by now; empty: there was none
	Erred     *float64 `json:"last_error_seconds"` // ago; null: there was none
}

// A urlReport is what to open, on the host name by which the report was asked for unless the server listens on one
// address only. Empty while starting.
type urlReport struct {
	MMSH string `json:"mmsh,omitempty"`
	HTTP string `json:"http,omitempty"`
	Push string `json:"push,omitempty"` // for encoders, of streams that take a push
}

// report is made for one request; host is the answer of a.host.
func (a *Admin) report(host string) *report {
	s, n := a.s, a.s.Counters()
	r := &report{
		Version:       s.Version,
		Go:            runtime.Version(),
		Node:          s.Node,
		State:         a.state().String(),
		UptimeSeconds: seconds(time.Duration(s.Clock.Now())),
		Listen:        []string{},
		Connections:   n.Connections,
		Limit:         n.Limit,
		Refused:       n.Refused,
		Streams:       []streamReport{},
	}
	for _, addr := range a.listeners() {
		r.Listen = append(r.Listen, addr.String())
	}
	for _, st := range s.Streams.Streams() {
		one := a.reportStream(st, host)
		r.Viewers += one.Viewers
		r.BitrateIn += one.BitrateIn
		r.BitrateOut += one.BitrateOut
		r.Streams = append(r.Streams, one)
	}
	return r
}

func (a *Admin) reportStream(st *stream.Stream, host string) streamReport {
	n, f := st.Stats(), feedOf(st)
	r := streamReport{
		Path:        st.Config().Path,
		Title:       titleOf(st),
		Type:        st.Config().Type,
		State:       st.State().String(),
		Condition:   f.condition.String(),
		SourceKind:  f.word(),
		SourceUp:    f.up(),
		Viewers:     n.Viewers.Load(),
		Waiting:     n.Held.Load(),
		Joined:      n.Joined.Load(),
		Left:        map[string]uint64{},
		Declared:    declared(st),
		BitrateIn:   a.rates.in[st.ID()].rate.Load(),
		BitrateOut:  a.rates.out[st.ID()].rate.Load(),
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
	if age, ok := st.Silence(); ok {
		ago := seconds(age)
		r.LastPacket = &ago
	}
	r.Upstreams = reportUpstreams(st.Upstreams(), a.s.Clock.Now())
	return r
}

func reportUpstreams(views []stream.UpstreamView, now clock.Instant) (list []upstreamReport) {
	for _, v := range views {
		r := upstreamReport{URL: v.Name, State: v.State.String(), Failures: v.Failures, LastError: v.Last.Text}
		if v.Again > now {
			in := seconds(v.Again.Since(now))
			r.Again = &in
		}
		if v.Last.Text != "" {
			ago := seconds(now.Since(v.Last.At))
			r.Erred = &ago
		}
		list = append(list, r)
	}
	return list
}

// titleOf is what to call a stream before people: its path where no title is configured.
func titleOf(st *stream.Stream) string { return cmp.Or(st.Config().Title, st.Config().Path) }

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

func urlsOf(st *stream.Stream, host string) (u urlReport) {
	if host == "" {
		return u
	}
	at := "://" + host + "/streams/" + st.Config().Path
	u.MMSH, u.HTTP = "mmsh"+at, "http"+at
	if st.Config().Type == config.TypePush {
		u.Push = "http" + at + config.PushSuffix
	}
	return u
}

// host is where the first listener can be reached from where r comes from, with its port; empty while starting. Where
// the listener is on all addresses, that is the host by which r has found the admin. That is the requester's word, so
// it is taken only if it is an address or a name.
func (a *Admin) host(r *http.Request) string {
	all := a.listeners()
	if len(all) == 0 {
		return ""
	}
	first := all[0]
	if !first.Addr().IsUnspecified() {
		return first.String()
	}
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = strings.Trim(r.Host, "[]")
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.WithZone("").String()
	} else if name == "" || !upstream.IsHost(name) {
		name = "localhost"
	}
	return net.JoinHostPort(name, strconv.Itoa(int(first.Port())))
}

// listeners are the server's addresses, none while starting.
func (a *Admin) listeners() []netip.AddrPort {
	select {
	case <-a.s.Ready:
		return a.s.Listeners()
	default:
		return nil
	}
}

func (a *Admin) apiStatus(w http.ResponseWriter, r *http.Request) {
	a.json(w, http.StatusOK, a.report(a.host(r)))
}

func (a *Admin) apiStream(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	st := a.s.Streams.Find([]byte(name))
	if st == nil {
		text := fmt.Sprintf("stream: %.200q, not in the configuration", name)
		a.json(w, http.StatusNotFound, map[string]string{"error": text})
		return
	}
	a.json(w, http.StatusOK, a.reportStream(st, a.host(r)))
}

func (a *Admin) json(w http.ResponseWriter, code int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // of our own types
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(b, '\n')) // who hangs up does not want it
}
