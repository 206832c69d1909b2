package doctor

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// wellKept is a machine with nothing wrong, and a pump on it.
func wellKept(t *testing.T) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	admin := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(admin.Close)
	cfg := config.Default()
	cfg.Server.Listen = []string{l.Addr().String()}
	cfg.Server.Admin = admin.Listener.Addr().String()
	h := &house{
		cfg: cfg, proc: t.TempDir(),
		limit: func() (uint64, error) { return 1 << 20, nil },
		clock: func() (time.Time, bool) { return time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), true },
	}
	kernel(t, h, "sys/net/core/somaxconn", "4096\n")
	return h
}

func kernel(t *testing.T, h *house, file, value string) {
	t.Helper()
	path := filepath.Join(h.proc, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHouse(t *testing.T) {
	nobody := "127.0.0.1:1" // tcpmux, which nothing here listens on
	for _, c := range []struct {
		name string
		with func(t *testing.T, h *house)
		kind string
		text string
	}{
		{"all is well", func(*testing.T, *house) {}, "", ""},
		{"few files", func(_ *testing.T, h *house) {
			h.limit = func() (uint64, error) { return 1024, nil }
		}, "files", "1024 files"},
		{"fewer files than viewers", func(_ *testing.T, h *house) {
			h.limit = func() (uint64, error) { return 5000, nil }
			h.cfg.Server.MaxConnections = 10_000
		}, "files", "max_connections is 10000"},
		{"no limit known", func(_ *testing.T, h *house) {
			h.limit = func() (uint64, error) { return 0, errors.New("no such call") }
		}, "files", "no such call"},
		{"short queue", func(t *testing.T, h *house) {
			kernel(t, h, "sys/net/core/somaxconn", "128\n")
		}, "kernel", "net.core.somaxconn is 128"},
		{"small table", func(t *testing.T, h *house) {
			kernel(t, h, "sys/net/netfilter/nf_conntrack_max", "8192\n")
		}, "kernel", "net.netfilter.nf_conntrack_max is 8192"},
		{"long ago", func(_ *testing.T, h *house) {
			h.clock = func() (time.Time, bool) { return time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), true }
		}, "time", "1970-01-01"},
		{"free clock", func(_ *testing.T, h *house) {
			h.clock = func() (time.Time, bool) { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), false }
		}, "time", "nothing keeps the clock right"},
		{"not running", func(_ *testing.T, h *house) {
			h.cfg.Server.Listen = []string{nobody}
		}, "unreachable", "listen " + nobody},
		{"not with TLS", func(_ *testing.T, h *house) {
			h.cfg.TLS.Listen = []string{h.cfg.Server.Admin}
		}, "unreachable", "no TLS there"},
		{"no admin", func(_ *testing.T, h *house) { h.cfg.Server.Admin = nobody }, "unreachable", "admin " + nobody},
		{"admin with TLS", func(t *testing.T, h *house) {
			s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			t.Cleanup(s.Close)
			h.cfg.Server.Admin, h.cfg.Server.AdminTLS = s.Listener.Addr().String(), true
		}, "", ""},
		{"admin that sends elsewhere", func(t *testing.T, h *house) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/healthz" {
					http.Redirect(w, r, "http://"+nobody+"/", http.StatusFound)
				}
			}))
			t.Cleanup(s.Close)
			h.cfg.Server.Admin = s.Listener.Addr().String()
		}, "status", "/healthz answers 302"},
		{"not ready", func(t *testing.T, h *house) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/readyz" {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			t.Cleanup(s.Close)
			h.cfg.Server.Admin = s.Listener.Addr().String()
		}, "status", "/readyz answers 503"},
		{"closed to encoders", func(_ *testing.T, h *house) {
			h.cfg.Streams = []config.Stream{{Path: "news", Type: config.TypePush, Enabled: true}}
		}, "login", "only this machine may push to news"},
		{"open to encoders", func(_ *testing.T, h *house) {
			h.cfg.Streams = []config.Stream{
				{Path: "users", Type: config.TypePush, Enabled: true, PushUsers: []auth.Secret{"a:b"}},
				{Path: "from", Type: config.TypePush, Enabled: true, PushFrom: []string{"10.0.0.0/8"}},
				{Path: "certs", Type: config.TypePush, Enabled: true, PushCerts: []string{"studio"}},
			}
		}, "", ""},
		{"forward", func(_ *testing.T, h *house) {
			h.cfg.Streams = []config.Stream{{Path: "news", Type: config.TypeFile, Enabled: true,
				Forward: []string{"http://u:secret@" + nobody + "/x"}}}
		}, "forward", "news cannot be pushed on to http://…@" + nobody + "/x: dial"},
		{"warned", func(_ *testing.T, h *house) { h.cfg.Warnings = []string{"pump.toml:3: weak"} }, "config", "weak"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := wellKept(t)
			c.with(t, h)
			h.look(t.Context())
			switch {
			case c.kind == "" && len(h.findings) == 0:
			case len(h.findings) == 1 && h.findings[0].Kind == c.kind && strings.Contains(h.findings[0].Text, c.text):
			default:
				t.Errorf("%+v, want %s %q", h.findings, c.kind, c.text)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	cfg := config.Default()
	cfg.Streams = []config.Stream{{Path: "on", Enabled: true}, {Path: "off"}}
	if got, want := Streams(cfg), []string{"mmsh://localhost:8086/streams/on"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	cfg.Server.Listen, cfg.TLS.Listen = nil, []string{"[::1]:8089"}
	if got, want := Streams(cfg), []string{"mmshs://[::1]:8089/streams/on"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Every kind is explained, and nothing else.
func TestKindsAreExplained(t *testing.T) {
	b, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for line := range strings.Lines(string(b)) {
		if word, ok := strings.CutPrefix(line, "| `"); ok {
			word, _, _ = strings.Cut(word, "`")
			explained = append(explained, word)
		}
	}
	if !slices.Equal(explained, Kinds) || !slices.IsSorted(Kinds) {
		t.Errorf("docs/doctor.md explains %q, there are %q", explained, Kinds)
	}
}
