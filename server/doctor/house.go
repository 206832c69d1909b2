package doctor

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/config"
	"pumpd/server/forward"
	"pumpd/server/upstream"
)

// A house is what a pump runs in: its configuration, and the machine. Tests have machines of their own.
type house struct {
	cfg      *config.Config
	proc     string // where the kernel's values are: /proc
	limit    func() (uint64, error)
	clock    func() (now time.Time, kept bool) // kept: something keeps it right
	findings []Finding
}

// House looks at the machine and at what the pump of a configuration, which should be running, answers. It plays no
// stream; Streams has their URLs.
func House(ctx context.Context, name string, cfg *config.Config) *Report {
	h := &house{cfg: cfg, proc: "/proc", limit: openFiles, clock: systemClock}
	h.look(ctx)
	return &Report{Subject: name, Clients: []string{}, Findings: h.findings}
}

func (h *house) look(ctx context.Context) {
	for _, w := range h.cfg.Warnings {
		h.find("config", Warning, w, "")
	}
	h.files()
	h.kernel()
	h.time()
	h.listeners(ctx)
	h.admin(ctx)
	h.encoders()
	h.forwards(ctx)
}

func (h *house) find(kind string, s Severity, text, advice string) {
	h.findings = append(h.findings, Finding{Kind: kind, Severity: s, Text: text, Advice: advice})
}

// fewFiles is a limit that keeps viewers out long before anything else does.
const fewFiles = 4096

func (h *house) files() {
	const advice = "Raise it where pumpd is started: LimitNOFILE= of a systemd unit, ulimit -n of a shell."
	limit, err := h.limit()
	want := uint64(h.cfg.Server.MaxConnections)
	switch {
	case err != nil:
		h.find("files", Note, err.Error(), "")
	case want > 0 && limit < want:
		h.find("files", Fault, fmt.Sprintf("max_connections is %d, a process may have %d files open", want, limit), advice)
	case want == 0 && limit < fewFiles:
		h.find("files", Warning, fmt.Sprintf("a process may have %d files open: each viewer is one", limit), advice)
	}
}

func openFiles() (uint64, error) {
	var r unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r)
	return r.Max, err
}

// Values of the kernel below which many viewers suffer.
var kernelWants = []struct {
	file  string
	least int
	why   string
}{
	{"sys/net/core/somaxconn", 1024, "viewers that come at once are not let in at once"},
	{"sys/net/netfilter/nf_conntrack_max", 65536, "the firewall forgets connections when there are more"},
}

// kernel looks at values that were left at what suits a desktop; what this kernel does not have is no matter.
func (h *house) kernel() {
	for _, w := range kernelWants {
		b, err := os.ReadFile(h.proc + "/" + w.file)
		if err != nil {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && n < w.least {
			name := strings.ReplaceAll(strings.TrimPrefix(w.file, "sys/"), "/", ".")
			h.find("kernel", Warning, fmt.Sprintf("%s is %d: %s", name, n, w.why), fmt.Sprintf("sysctl -w %s=%d", name, w.least))
		}
	}
}

// built is a year before which nobody runs this.
const built = 2024

func (h *house) time() {
	const advice = "Have it set by NTP: certificates, logs and signed URLs depend on it."
	switch now, kept := h.clock(); {
	case now.Year() < built:
		h.find("time", Fault, "the clock says "+now.Format(time.DateTime), advice)
	case !kept:
		h.find("time", Note, "nothing keeps the clock right, as far as the kernel knows", advice)
	}
}

func systemClock() (time.Time, bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return time.Now(), err != nil || state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// listeners looks whether somebody is there at all, and until when its certificate is good; who it is shows when
// streams are played.
func (h *house) listeners(ctx context.Context) {
	for _, addr := range h.cfg.Server.Listen {
		h.listener(ctx, "listen "+addr, addr, func(context.Context, string, net.Conn) {})
	}
	for _, addr := range h.cfg.TLS.Listen {
		h.listener(ctx, "tls.listen "+addr, addr, h.secured)
	}
}

// listener connects to an address of the configuration, which findings call what: its key and itself.
func (h *house) listener(ctx context.Context, what, addr string, look func(context.Context, string, net.Conn)) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", config.Local(addr))
	if err != nil {
		h.find("unreachable", Fault, fmt.Sprintf("%s: %v", what, err), "pumpd does not run, or with another configuration.")
		return
	}
	defer conn.Close()
	look(ctx, what, conn)
}

// admin asks the pump how it is.
func (h *house) admin(ctx context.Context) {
	if h.cfg.Server.Admin == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	what := "admin " + h.cfg.Server.Admin
	for i, path := range []string{"healthz", "readyz"} {
		a, err := AskAdmin(ctx, &h.cfg.Server, path)
		if err != nil {
			h.find("unreachable", Warning, fmt.Sprintf("%s: %v", what, cause(err)), "")
			return
		}
		a.Body.Close()
		if a.TLS != nil && i == 0 {
			h.shown(what, a.TLS.PeerCertificates)
		}
		if a.StatusCode != http.StatusOK {
			h.find("status", Fault, fmt.Sprintf("/%s answers %d", path, a.StatusCode), "The status page says what is wrong: "+
				AdminURL(&h.cfg.Server))
		}
	}
}

// cause is an error of net/http's without what is said already.
func cause(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = u.Unwrap()
	}
}

// forwards asks each server that a stream is pushed on to whether it would take that.
func (h *house) forwards(ctx context.Context) {
	for i := range h.cfg.Streams {
		s := &h.cfg.Streams[i]
		if !s.Enabled {
			continue
		}
		for j, err := range forward.Try(ctx, h.cfg, s, slog.New(slog.DiscardHandler)) {
			if err != nil {
				text := fmt.Sprintf("%s cannot be pushed on to %s: %v", s.Path, upstream.AsConfigured(s.Forward[j]), err)
				h.find("forward", Fault, text, "docs/forward.md says what the other side needs.")
			}
		}
	}
}

// encoders says who may push, for those who wonder why theirs cannot.
func (h *house) encoders() {
	for i := range h.cfg.Streams {
		s := &h.cfg.Streams[i]
		if s.Enabled && s.Type == config.TypePush && len(s.PushUsers)+len(s.PushFrom)+len(s.PushCerts) == 0 {
			h.find("login", Note, "only this machine may push to "+s.Path, "push_users, push_from or push_certs lets others.")
		}
	}
}

// Streams are the URLs at which a configuration's streams can be watched from this machine.
func Streams(cfg *config.Config) (urls []string) {
	scheme, at := "mmsh", cfg.Server.Listen
	if len(at) == 0 {
		scheme, at = "mmshs", cfg.TLS.Listen
	}
	for i := range cfg.Streams {
		if cfg.Streams[i].Enabled && len(at) > 0 {
			urls = append(urls, scheme+"://"+config.Local(cmp.Or(at[0], "localhost"))+"/streams/"+cfg.Streams[i].Path)
		}
	}
	return urls
}
