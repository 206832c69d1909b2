package admin

// A report is the answer of /api/status and what the status page shows. Its names are an interface: fields may be
// added, none goes away or changes its meaning. Times are seconds, rates are bits per second over the last five
// seconds, and counters run since the start.
type report struct {
	statsReport
	Streams []streamReport `json:"streams"` // in the order of the configuration, disabled ones left out
}

// A statsReport is the answer of /api/v1/stats: the pump as a whole. See report for its rules.
type statsReport struct {
	Version       string       `json:"version"`
	Go            string       `json:"go"`    // what it was built with
	Node          string       `json:"node"`  // its name among pumps; another with every start
	State         string       `json:"state"` // starting, ready, draining or stopping
	UptimeSeconds float64      `json:"uptime_seconds"`
	Listen        []string     `json:"listen"`      // addresses of the listeners; empty while starting
	Connections   int64        `json:"connections"` // open ones: viewers, encoders and any other
	Limit         int64        `json:"connection_limit"`
	Refused       uint64       `json:"connections_refused"` // over the limit
	Config        configReport `json:"config"`
	Viewers       int64        `json:"viewers"` // of all streams, as the next two
	BitrateIn     int64        `json:"bitrate_in"`
	BitrateOut    int64        `json:"bitrate_out"`
	Room          roomReport   `json:"room"`
	Line          lineReport   `json:"line"`
	Quota         *quotaReport `json:"quota,omitempty"` // absent: there is none
}

// A configReport is how current the configuration is that the pump goes by.
type configReport struct {
	Loaded  string   `json:"loaded"`       // RFC 3339; at the start, or by the last reload that was not refused
	Reload  bool     `json:"reload_ok"`    // false: the last reload was refused
	Error   string   `json:"reload_error"` // why; one line for each mistake. Empty: it was not
	Restart []string `json:"restart"`      // keys that are otherwise in the file and count from the next start on
}

// A streamReport is the answer of /api/streams/NAME. See report for its rules.
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
	Orphaned    *orphanReport     `json:"orphaned,omitempty"` // absent: it is not
	Media       []mediaReport     `json:"media,omitempty"`    // by the header; absent: there is none
	Viewers     int64             `json:"viewers"`
	Behind      int64             `json:"behind"`           // of the viewers, lack what others have been sent already
	Blocked     int64             `json:"blocked"`          // of the viewers, have a socket that takes nothing now
	Lag         float64           `json:"lag_seconds"`      // a mean of those who are behind; 0: nobody is
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
	Room        streamRoomReport  `json:"room"`
	URLs        urlReport         `json:"urls"`
	Upstreams   []upstreamReport  `json:"upstreams,omitempty"` // of a pull, in order of preference
	Forwards    []forwardReport   `json:"forwards,omitempty"`  // where it is pushed on to, in the file's order
}

// A sourceReport is who feeds a stream; null: nobody does.
type sourceReport struct {
	Kind string `json:"kind"` // push, pull, file or slate
	From string `json:"from"` // an address, a URL without credentials, a file or, of the slate, builtin
}

// An orphanReport is about a stream whose viewers wait for a source that is lost.
type orphanReport struct {
	Left float64 `json:"left_seconds"` // until they are told that it is over
	Lost string  `json:"lost"`         // who fed it; empty: nobody was seen to
}

// A mediaReport is one of the streams inside of a stream.
type mediaReport struct {
	Kind       string  `json:"kind"`                  // audio, video or other
	Codec      string  `json:"codec,omitempty"`       // FourCC of video, a name or number of audio
	Width      uint32  `json:"width,omitempty"`       // pixels
	Height     uint32  `json:"height,omitempty"`      // pixels
	FrameRate  float64 `json:"frame_rate,omitempty"`  // of video, frames a second; absent if it is not declared
	Channels   uint16  `json:"channels,omitempty"`    // of audio
	SampleRate uint32  `json:"sample_rate,omitempty"` // Hz
	Bitrate    uint32  `json:"bitrate,omitempty"`     // as declared, absent if it is not
}

// An upstreamReport is one that a pull may read, and what it does.
type upstreamReport struct {
	URL       string   `json:"url"`                // as configured, without credentials and query
	State     string   `json:"state"`              // see view.State
	Failures  int      `json:"failures"`           // in a row
	Again     *float64 `json:"again_seconds"`      // until it is asked or feeds next; null: nothing is planned
	LastError string   `json:"last_error"`         // it may be good by now; empty: there was none
	Erred     *float64 `json:"last_error_seconds"` // ago; null: there was none
}

// A forwardReport is a server that a stream is pushed on to, and how that goes.
type forwardReport struct {
	URL        string   `json:"url"`                // as configured, without credentials and query
	State      string   `json:"state"`              // see view.ForwardState
	Lag        float64  `json:"lag_seconds"`        // how old what it is yet to get is; 0: it has all
	Packets    uint64   `json:"packets"`            // that were sent, those that were sent again included
	Bytes      uint64   `json:"bytes"`              // that went out, requests and TLS included
	Resent     uint64   `json:"resent"`             // packets that were sent again after a break
	Skips      uint64   `json:"skips"`              // times that it went on with a newer key frame
	Reconnects uint64   `json:"reconnects"`         // connections that followed one that broke
	Failures   int      `json:"failures"`           // in a row
	Again      *float64 `json:"again_seconds"`      // until it is tried next; null: nothing is planned
	LastError  string   `json:"last_error"`         // it may be good by now; empty: there was none
	Erred      *float64 `json:"last_error_seconds"` // ago; null: there was none
}

// A urlReport is what to open, on the host name by which the report was asked for unless the server listens on one
// address only. Empty while starting.
type urlReport struct {
	MMSH string `json:"mmsh,omitempty"`
	HTTP string `json:"http,omitempty"`
	ASX  string `json:"asx,omitempty"`  // a playlist that players open
	Push string `json:"push,omitempty"` // for encoders, of streams that take a push
}
