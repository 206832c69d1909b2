package viewers

import (
	"crypto/tls"
	"fmt"
	"net/url"

	"pumpd/bench/scheme"
	"pumpd/bench/sock"
)

// A Site is one URL to watch: where it is and what a viewer says there. Each worker makes a copy of its own.
type Site struct {
	url         string
	target      sock.Target
	mmsh        bool
	secure      *tls.Config // nil: no TLS
	play        []byte      // requests
	description []byte      // nil: nobody asks for one
}

// NewSite reads a URL, resolves its host and prepares what viewers send. Certificates are not checked: what is
// measured is the server.
func NewSite(raw string, opt *Options) (*Site, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("URL %q: want mmsh://host:port/path or http://host:port/path, mmshs and https with TLS", raw)
	}
	kind, ok := scheme.Of(u)
	if !ok {
		return nil, fmt.Errorf("URL %q: scheme %q, want mmsh, mmshs, http or https", raw, u.Scheme)
	}
	s := &Site{url: u.String(), mmsh: kind.MMSH}
	if kind.TLS {
		s.secure = &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true}
	}
	if s.target, err = sock.NewTarget(scheme.HostPort(u), opt.Sources); err != nil {
		return nil, err
	}
	s.requests(u, opt)
	return s, nil
}

// own is a copy for one goroutine.
func (s *Site) own() *Site {
	c := *s
	c.target = *s.target.Clone()
	return &c
}

// requests are what viewers send: Play or a plain GET, and Describe. clients.md §5.
func (s *Site) requests(u *url.URL, opt *Options) {
	agent := opt.Agent
	if !s.mmsh {
		if agent == "" {
			agent = "bench"
		}
		s.play = fmt.Appendf(nil, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
			u.RequestURI(), u.Host, agent)
		return
	}
	if agent == "" {
		agent = "NSPlayer/4.1.0.3856"
	}
	head := fmt.Sprintf("GET %s HTTP/1.0\r\nAccept: */*\r\nUser-Agent: %s\r\nHost: %s\r\n"+
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\nPragma: no-cache,rate=1.000000,",
		u.RequestURI(), agent, u.Host)
	const end = "Connection: Close\r\n\r\n"
	if opt.Describe {
		s.description = []byte(head + "stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n" + end)
	}
	s.play = []byte(head + "request-context=2\r\nPragma: xPlayStrm=1\r\nPragma: stream-switch-count=1\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 \r\n" + end)
}

// Protocol names what is spoken with the site: mmsh, mmshs, http or https.
func (s *Site) Protocol() string {
	name := "http"
	if s.mmsh {
		name = "mmsh"
	}
	if s.secure != nil {
		name += "s"
	}
	return name
}
