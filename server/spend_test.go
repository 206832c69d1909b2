package server

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"pumpd/server/admission"
	"pumpd/server/config"
	"pumpd/server/quota"
)

// spender is a rig's server, as far as it keeps to a quota.
func (r *rig) spender(cfg config.Server) *Server {
	cfg.StateDir = r.t.TempDir()
	s := &Server{node: r.loop.node, reg: r.reg, log: slog.New(r.logs)}
	s.cfg.Store(&config.Config{Server: cfg})
	if err := s.openQuota(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(s.closeQuota)
	return s
}

// When as much is sent as may be, newcomers are told so until the period is over, and those who watch stay.
func TestQuotaKeepsNewcomersOut(t *testing.T) {
	r := newRig(t, nil, "a")
	f := r.feeder(0, 320)
	f.publish(1)
	s := r.spender(config.Server{Quota: config.Quota{Bytes: 1e6}})
	now := time.Now()
	s.spend(now)
	early := r.watch("a", ffmpegAgent)
	for r.reg.Streams()[0].Stats().BytesOut.Load() < 1e6 {
		f.publish(100)
		r.turn()
	}
	s.spend(now)
	r.turn()
	for _, agent := range []string{ffmpegAgent, curlAgent} {
		p := r.watch("a", agent)
		body := string(p.body())
		if !strings.Contains(p.status(), "503") || !strings.HasPrefix(body, admission.Quota.Text()+", until ") {
			t.Errorf("%s: %q: %q, want 503 and why", agent, p.status(), body)
		}
		after := fieldOf(p, "Retry-After")
		n, err := strconv.Atoi(after)
		if err != nil || n < 2 || n > 3606 || strings.Count(string(p.got), "Retry-After") != 1 {
			t.Errorf("%s: Retry-After: %q, want up to an hour, once", agent, after)
		}
	}
	if early.fin || early.gone {
		t.Error("who has watched before has to go")
	}
	day := s.node.quota.Load().Use().Ends
	s.spend(day)
	if p := r.watch("a", ffmpegAgent); !strings.Contains(p.status(), "200") {
		t.Errorf("in the next period: %q, want 200", p.status())
	}
}

// fieldOf is the value of a field of the first reply.
func fieldOf(p *peer, name string) string {
	_, after, _ := strings.Cut(string(p.got), "\r\n"+name+": ")
	value, _, _ := strings.Cut(after, "\r\n")
	return value
}

// Where the quota is hard, those who watch are told that the stream is over; other pumps, whose viewers wait, get a
// FIN.
func TestHardQuota(t *testing.T) {
	r := newRig(t, nil, "a")
	log := r.listen()
	f := r.feeder(0, 320)
	f.publish(1)
	s := r.spender(config.Server{Quota: config.Quota{Bytes: 1e6}, QuotaHard: true})
	mmsh, raw := r.watch("a", ffmpegAgent), r.watch("a", curlAgent)
	pump := r.ask("GET", "/streams/a", "NSPlayer/9.0", "Pragma: xPlayStrm=1\r\nVia: 1.1 pumpd-0123456789abcdef\r\n")
	f.publish(10)
	r.turn()
	s.node.quota.Load().Count(1e6, time.Now())
	s.spend(time.Now())
	r.turn()
	for name, p := range map[string]*peer{"MMSH": mmsh, "raw": raw, "pump": pump} {
		if !p.fin {
			t.Errorf("%s: may stay", name)
		}
		p.hangUp()
	}
	if n := log.Count("INFO viewer left reason=quota"); n != 3 {
		t.Errorf("%d left for the quota, want 3:\n%s", n, log.Text())
	}
	if got := r.read(mmsh.body()).ended; got != 0 {
		t.Errorf("MMSH: ended with %d, want $E(0)", got)
	}
	if p := r.watch("a", ffmpegAgent); !strings.Contains(p.status(), "503") {
		t.Errorf("a newcomer: %q, want 503", p.status())
	}
}

// What is sent is counted once, whichever streams come and go, and after a restart the count goes on.
func TestQuotaCounts(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	cfg := config.Server{Quota: config.Quota{Bytes: 1e9}}
	s := r.spender(cfg)
	sent := func(i int, n uint64) { r.reg.Streams()[i].Stats().BytesOut.Add(n) }
	for range 3 {
		sent(0, 1000)
		sent(1, 500)
		s.spend(time.Now())
	}
	removed := r.reg.Streams()[1].Stats()
	r.reg.SetStreams(r.reg.Streams()[:1])
	removed.Viewers.Add(1)
	for range 2 { // one still watches, and takes nothing for a while
		sent(0, 1)
		removed.BytesOut.Add(20)
		s.spend(time.Now())
		s.spend(time.Now())
	}
	removed.Viewers.Add(-1)
	removed.BytesOut.Add(7)
	for range 3 {
		s.spend(time.Now())
	}
	if got := s.node.quota.Load().Use().Used; got != 4549 {
		t.Errorf("%d are counted, want 4549", got)
	}
	if n := len(s.spent.sent); n != 1 {
		t.Errorf("%d streams are remembered, want 1", n)
	}
	sent(0, 10)
	s.closeQuota() // counts what it has not counted yet
	m, err := quota.Open(s.config().Server.StateDir, cfg.Quota, s.log, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.node.quota.Store(m)
	if got := m.Use().Used; got != 4559 {
		t.Errorf("%d after a restart, want 4559", got)
	}
}

func TestRetryAt(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		in        time.Duration
		low, high int64
	}{{-time.Hour, 2, 5}, {0, 3, 6}, {time.Minute, 63, 66}, {24 * time.Hour, 3602, 3605}} {
		for range 20 {
			if got := retryAt(now.Add(c.in), now); got < c.low || got > c.high {
				t.Errorf("in %v: %d s, want %d to %d", c.in, got, c.low, c.high)
			}
		}
	}
}

// A quota comes, is raised and goes while the pump runs; only its directory stays.
func TestReloadQuota(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	source := pushTo(t, r.at)
	defer source.Close()
	r.until("the stream is up", func() bool { return r.ask("/streams/a") == 200 })
	sent := &r.reg.Streams()[0].Stats().BytesOut
	sent.Add(5e6) // before there is a quota
	first := t.TempDir()
	set := func(bytes int64) func(*config.Config) {
		return func(c *config.Config) {
			c.Server.StateDir, c.Server.Quota = first, config.Quota{Bytes: bytes, Monthly: true}
		}
	}
	r.change(set(1e6))
	m := r.node.quota.Load()
	if m == nil || m.Use().Used >= 1e6 {
		t.Fatalf("%+v, want a count that begins with nothing", m)
	}
	sent.Add(1e6)
	r.until("it is used up", func() bool { return r.ask("/streams/a") == 503 })
	r.change(set(3e6))
	r.until("it is raised", func() bool { return r.ask("/streams/a") == 200 })
	if n := r.counters().Quota; n == nil || n.Limit != 3e6 || n.Used < 1e6 {
		t.Errorf("the admin sees %+v", n)
	}
	sent.Add(3e6)
	r.until("it is used up again", func() bool { return r.ask("/streams/a") == 503 })
	r.change(set(0))
	r.until("there is none", func() bool { return r.ask("/streams/a") == 200 && r.counters().Quota == nil })
	second := t.TempDir()
	r.cfg.Server.StateDir, r.cfg.Server.Quota.Bytes = second, 5e6
	if _, err := r.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "server.state_dir: another one") {
		t.Errorf("another directory: %v", err)
	}
	r.halt()
	var used int64
	r.until("the file is let go of", func() (ok bool) { // where the machine is busy, some time after the end
		m, err := quota.Open(first, config.Quota{Bytes: 1, Monthly: true}, r.log, time.Now())
		if ok = err == nil; ok {
			defer m.Abandon()
			used = m.Use().Used
		}
		return ok
	})
	if used < 4e6 {
		t.Errorf("%d are in the file at the end, want all that was sent", used)
	}
}
