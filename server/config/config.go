// Package config makes checked values of pump.toml, or lines that say what is wrong with it and where. A Config does
// not change once it is loaded.
package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"runtime"
	"time"

	"pumpd/server/auth"
	"pumpd/server/upstream"
)

// A Config is what pump.toml says; pump.toml.example is the manual of every key. It does not change once it is loaded:
// a reload makes a new one.
type Config struct {
	Server   Server   `toml:"server"`
	Timeouts Timeouts `toml:"timeouts"`
	TLS      TLS      `toml:"tls"`
	Proxy    Proxy    `toml:"proxy"`
	Streams  []Stream `toml:"streams"`

	Files    []string // all that it names, and itself: they are read again some day
	Warnings []string // of what can run, though not as safely as it should; for the operator, with file and line
}

// A Server is the table [server].
type Server struct {
	Listen         []string `toml:"listen"`          // host:port
	Admin          string   `toml:"admin"`           // host:port, "" is off
	AdminTLS       bool     `toml:"admin_tls"`       // Admin speaks TLS, with the certificates of TLS
	AgentCheck     string   `toml:"agent_check"`     // host:port, "" is off
	AdminHosts     []string `toml:"admin_hosts"`     // names by which Admin may be asked
	Pprof          bool     `toml:"pprof"`           // profiles on Admin
	ReadyStreams   []string `toml:"ready_streams"`   // paths of streams without whose sources the server is not ready
	Redirect404To  string   `toml:"redirect_404_to"` // URL, "" answers 404
	Merge          Merge    `toml:"merge"`           // how long packets are collected before they are sent
	Burst          Burst    `toml:"burst"`           // of stream, what a new viewer gets at once
	MaxLag         Duration `toml:"max_lag"`         // of stream, behind this a viewer skips; > Burst
	TrustedProxies []string `toml:"trusted_proxies"` // addresses and networks whose proxies say for whom they speak
	Loops          int      `toml:"loops"`           // event loops, 0 is one a core
	MaxConnections int      `toml:"max_connections"` // of viewers, 0 is what the descriptor limit allows
	Engine         string   `toml:"engine"`          // auto, sendto or io_uring
	StripPadding   bool     `toml:"strip_padding"`   // for MMSH viewers
	LogLevel       string   `toml:"log_level"`       // debug, info, warn or error
	LogFormat      string   `toml:"log_format"`      // text or json
	AccessLog      string   `toml:"access_log"`      // file as in Certificate, or AccessStdout; "" is none
	AccessFormat   string   `toml:"access_format"`   // combined, json or w3c
	AccessInterval Duration `toml:"access_interval"` // how often AccessLog has a line for who still watches, 0 is never
	User           string   `toml:"user"`            // user or user:group that root becomes, "" stays what it is

	// What the pump may be asked for, see admission.Limits. 0 is no limit.
	MaxViewers    int       `toml:"max_viewers"`
	MaxBandwidth  Bandwidth `toml:"max_bandwidth"`  // of all viewers' streams
	MaxPerIP      int       `toml:"max_per_ip"`     // viewers of one IPv4 address or one IPv6 network of 64 bits
	MaxSession    Duration  `toml:"max_session"`    // for which one may watch
	Uplink        Uplink    `toml:"uplink"`         // what the line carries, headers of TCP/IP included
	UplinkReserve Share     `toml:"uplink_reserve"` // of it, for all else
	RelayShare    Share     `toml:"relay_share"`    // of each limit, kept free for servers that relay
	Siblings      []string  `toml:"siblings"`       // scheme://host:port, where viewers are sent when it is full
	ReadyHeadroom int       `toml:"ready_headroom"` // viewers; with room for fewer the server is not ready
	Quota         Quota     `toml:"quota"`          // bytes to viewers; when they are sent no more viewers are let in
	QuotaHard     bool      `toml:"quota_hard"`     // and those who watch have to go
	StateDir      string    `toml:"state_dir"`      // as in Certificate, for what a restart must not forget; "" is none

	AdminUsers []auth.Secret `toml:"admin_users"` // name:secret; who may change things on Admin, empty is nobody
}

// Timeouts are the table [timeouts].
type Timeouts struct {
	RequestHead Duration `toml:"request_head"` // for a whole request head
	Handshake   Duration `toml:"handshake"`    // for a TLS client's hello, and again for the rest of its handshake
	SourceIdle  Duration `toml:"source_idle"`  // a silent pusher gets 408
	PullStall   Duration `toml:"pull_stall"`   // a silent upstream is dialled again
	PushSetup   Duration `toml:"push_setup"`   // between the requests of a push
	SourceGrace Duration `toml:"source_grace"` // viewers wait this long for a lost source
	Stall       Duration `toml:"stall"`        // a viewer that takes nothing is cut
	Drain       Duration `toml:"drain"`        // over so long viewers are sent away before the end
	Upgrade     Duration `toml:"upgrade"`      // a new program must have taken over

	UpgradeLinger Duration `toml:"upgrade_linger"` // for so long the old one serves who cannot move
}

// TLS is the table [tls].
type TLS struct {
	Listen       []string      `toml:"listen"` // host:port, empty is off
	Certificates []Certificate `toml:"certificates"`
	MinVersion   string        `toml:"min_version"` // one of TLSVersions
	ClientCA     string        `toml:"client_ca"`   // as in Certificate: who signs clients' certificates; "" is nobody
}

// SpeaksTLS says whether anything of the pump does, so that it needs its certificates.
func (c *Config) SpeaksTLS() bool {
	return len(c.TLS.Listen) > 0 || c.Server.Admin != "" && c.Server.AdminTLS
}

// TLSVersions are the values of TLS.MinVersion.
var TLSVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// A Certificate names two PEM files. Relative names count from the directory of the configuration file until it is
// loaded, from the working directory afterwards.
type Certificate struct {
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

// A Proxy is the table [proxy], for pulls and forwards.
type Proxy struct {
	URL      string `toml:"url"`       // http://…, "" dials directly
	ForLocal bool   `toml:"for_local"` // private and loopback addresses go through it as well
}

// The values of Stream.Type.
const (
	TypePush = "mmsh_push"
	TypePull = "mmsh_pull"
	TypeFile = "file"
)

// A Stream is one table [[streams]].
type Stream struct {
	Path         string        `toml:"path"`  // /streams/PATH, case-insensitive
	Title        string        `toml:"title"` // for people, "" shows the path
	Enabled      bool          `toml:"enabled"`
	Type         string        `toml:"type"`
	PushFrom     []string      `toml:"push_from"`      // addresses and networks that may push; see PushUsers
	OnSecondPush string        `toml:"on_second_push"` // takeover or refuse
	ViewUsers    []auth.Secret `toml:"view_users"`     // name:secret; without this and the next three all may watch
	ViewFrom     []string      `toml:"view_from"`      // addresses and networks that may watch
	ViewKeys     []auth.Secret `toml:"view_keys"`      // of signed URLs; the first one signs
	AuthURL      string        `toml:"auth_url"`       // http or https, asked about each viewer; "" is none
	ViewSatisfy  string        `toml:"view_satisfy"`   // SatisfyAll or SatisfyAny of those four
	AuthFail     string        `toml:"auth_fail"`      // FailClosed or FailOpen: what no answer of AuthURL means
	AuthTTL      Duration      `toml:"auth_ttl"`       // how long an answer is good for that does not say so
	AuthTimeout  Duration      `toml:"auth_timeout"`   // for an answer
	URL          string        `toml:"url"`            // of a pull; either this or URLs or Pair
	URLs         []string      `toml:"urls"`           // of a pull, in order of preference
	Failback     Duration      `toml:"failback"`       // how long a preferred one of URLs must be good to be gone back to
	Pair         []string      `toml:"pair"`           // of a pull, both read at once; empty or two
	PairSwitch   Duration      `toml:"pair_switch"`    // without a packet for so long, the other one of Pair takes over
	OnDemand     bool          `toml:"on_demand"`      // of a pull: connected only while somebody watches
	IdleClose    Duration      `toml:"idle_close"`     // how long after the last viewer that ends
	CAFile       string        `toml:"ca_file"`        // of a pull, as in Certificate; "" is what the system trusts
	Fingerprint  string        `toml:"fingerprint"`    // of a pull: SHA-256 of its certificate in hex, "" is any
	Hold         Duration      `toml:"hold"`           // how long viewers wait for a source, 0 refuses them
	Slate        string        `toml:"slate"`          // file as in Certificate, or SlateBuiltin; "" is none
	SlateAfter   Duration      `toml:"slate_after"`    // how long the source is away before Slate plays
	File         string        `toml:"file"`           // as in Certificate; "" is the built-in clip

	Forward             []string `toml:"forward"`              // URLs that the stream is pushed on to
	ForwardBuffer       Duration `toml:"forward_buffer"`       // a break of so long leaves no gap
	ForwardLag          Duration `toml:"forward_lag"`          // this far behind it goes on with a newer key frame
	ForwardCAFile       string   `toml:"forward_ca_file"`      // as CAFile
	ForwardFingerprints []string `toml:"forward_fingerprints"` // as Fingerprint, for any of Forward
	ForwardClientCert   string   `toml:"forward_client_cert"`  // as ClientCert
	ForwardClientKey    string   `toml:"forward_client_key"`

	FollowRedirects upstream.FollowRule `toml:"follow_redirects"` // where the upstreams of a pull may lead
	ClientCert      string              `toml:"client_cert"`      // of a pull, as in Certificate: shown to upstreams
	ClientKey       string              `toml:"client_key"`       // and its key
	PushCerts       []string            `toml:"push_certs"`       // names in certificates that may push; see PushUsers
	PushUsers       []auth.Secret       `toml:"push_users"`       // name:secret; all three empty: only this machine

	MaxViewers   int       `toml:"max_viewers"`   // 0 is no limit
	MaxBandwidth Bandwidth `toml:"max_bandwidth"` // of all its viewers, 0 is no limit
	Bitrate      Bandwidth `toml:"bitrate"`       // what a viewer costs, 0 is what is declared or measured
}

// The values of Stream.ViewSatisfy and of Stream.AuthFail.
const (
	SatisfyAll = "all"
	SatisfyAny = "any"
	FailClosed = "closed"
	FailOpen   = "open"
)

// Heading is what to call the stream before people.
func (s *Stream) Heading() string { return cmp.Or(s.Title, s.Path) }

// SlateBuiltin is the value of Stream.Slate that means the built-in clip.
const SlateBuiltin = "builtin"

// AccessStdout is the value of Server.AccessLog that means standard output.
const AccessStdout = "stdout"

// Default returns the values of keys that the file leaves out. It has no streams.
func Default() *Config {
	return &Config{
		Server: Server{
			Listen:       []string{":8086"},
			Admin:        "127.0.0.1:8087",
			Merge:        Merge{Auto: true},
			Burst:        Burst{Auto: true},
			MaxLag:       Duration(10 * time.Second),
			Engine:       "auto",
			StripPadding: true,
			LogLevel:     "info",
			LogFormat:    "text",
			AccessFormat: "combined",

			UplinkReserve: 500,
		},
		Timeouts: Timeouts{
			RequestHead: Duration(10 * time.Second),
			Handshake:   Duration(3 * time.Second),
			SourceIdle:  Duration(60 * time.Second),
			PullStall:   Duration(15 * time.Second),
			PushSetup:   Duration(120 * time.Second),
			SourceGrace: Duration(30 * time.Second),
			Stall:       Duration(20 * time.Second),
			Upgrade:     Duration(30 * time.Second),

			UpgradeLinger: Duration(time.Hour),
		},
		TLS: TLS{MinVersion: "1.2"},
	}
}

// setDefaults is called on each stream before its keys are read.
func (s *Stream) setDefaults() {
	s.Enabled = true
	s.OnSecondPush = "takeover"
	s.ViewSatisfy = SatisfyAll
	s.AuthFail = FailClosed
	s.AuthTTL = Duration(30 * time.Second)
	s.AuthTimeout = Duration(3 * time.Second)
	s.Failback = Duration(60 * time.Second)
	s.PairSwitch = Duration(500 * time.Millisecond)
	s.IdleClose = Duration(30 * time.Second)
	s.SlateAfter = Duration(3 * time.Second)
	s.FollowRedirects = upstream.FollowPublic
	s.ForwardBuffer = Duration(30 * time.Second)
	s.ForwardLag = Duration(60 * time.Second)
}

// A Duration is a time.Duration that TOML and people read and write as "3s".
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// String writes whole seconds and milliseconds as pump.toml does, "60s" and not "1m0s".
func (d Duration) String() string {
	switch v := time.Duration(d); {
	case v%time.Second == 0:
		return fmt.Sprintf("%ds", v/time.Second)
	case v%time.Millisecond == 0:
		return fmt.Sprintf("%dms", v/time.Millisecond)
	default:
		return v.String()
	}
}

// A Merge says how long packets are collected for one send: Interval, or if Auto is set as long as the load asks for.
type Merge struct {
	Auto     bool
	Interval Duration // 0 sends each packet at once; unused with Auto
}

// UnmarshalText reads "auto" or a duration.
func (m *Merge) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*m = Merge{Auto: true}
		return nil
	}
	m.Auto = false
	return m.Interval.UnmarshalText(text)
}

// String is what UnmarshalText reads.
func (m Merge) String() string {
	if m.Auto {
		return "auto"
	}
	return m.Interval.String()
}

// LoopCount is how many event loops there are to be: Loops, or one a core.
func (c *Server) LoopCount() int {
	if c.Loops == 0 {
		return runtime.NumCPU()
	}
	return c.Loops
}
