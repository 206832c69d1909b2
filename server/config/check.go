package config

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"pumpd/server/privileges"
	"pumpd/server/upstream"
)

// MaxLoops is how many event loops there may be: gnet's limit.
const MaxLoops = 256

const maxConnections = 10_000_000 // that server.max_connections may ask for

// check complains about every value that the server could not work with.
func (f *document) check(c *Config) {
	f.checkServer(&c.Server)
	f.checkTimeouts(&c.Timeouts)
	f.checkListeners(c)
	f.checkCertificates(&c.TLS)
	f.checkClients(&c.TLS)
	f.checkProxy(&c.Proxy)
	f.checkStreams(c)
	f.checkForwards(c)
	f.checkAdmin(c)
	f.checkAdmission(c)
	f.checkQuota(&c.Server)
}

func (f *document) checkServer(c *Server) {
	if c.Redirect404To != "" {
		f.url("server.redirect_404_to", c.Redirect404To, "http", "https", "mmsh")
	}
	if !c.Merge.Auto {
		f.between("server.merge", c.Merge.Interval, 0, time.Second)
	}
	if !c.Burst.Auto {
		f.between("server.burst", c.Burst.Length, 0, LongestBurst)
	}
	f.between("server.max_lag", c.MaxLag, time.Second, 10*time.Minute)
	if !c.Burst.Auto && c.MaxLag <= c.Burst.Length {
		f.wrong("server.max_lag", "%s, must be longer than burst, %s: viewers start that far behind", c.MaxLag, c.Burst)
	}
	f.checkNetworks("server.trusted_proxies", c.TrustedProxies)
	f.count("server.loops", c.Loops, MaxLoops)
	f.count("server.max_connections", c.MaxConnections, maxConnections)
	f.oneOf("server.engine", c.Engine, "auto", "sendto", "io_uring")
	f.oneOf("server.log_level", c.LogLevel, "debug", "info", "warn", "error")
	f.oneOf("server.log_format", c.LogFormat, "text", "json")
	f.checkAccessLog(c)
	if c.User != "" {
		if _, err := privileges.Parse(c.User); err != nil {
			f.wrong("server.user", "%v", err)
		}
	}
}

func (f *document) checkTimeouts(c *Timeouts) {
	f.between("timeouts.request_head", c.RequestHead, time.Second, 5*time.Minute)
	f.between("timeouts.handshake", c.Handshake, time.Second, time.Minute)
	f.between("timeouts.source_idle", c.SourceIdle, 10*time.Second, time.Hour) // lower limit: [MS-WMHTTP] 3.2.2
	f.between("timeouts.pull_stall", c.PullStall, time.Second, time.Hour)
	f.between("timeouts.push_setup", c.PushSetup, time.Second, time.Hour)
	f.between("timeouts.source_grace", c.SourceGrace, 0, time.Hour)
	f.between("timeouts.stall", c.Stall, time.Second, time.Hour)
	f.between("timeouts.drain", c.Drain, 0, time.Hour)
	f.between("timeouts.upgrade", c.Upgrade, time.Second, 10*time.Minute)
	f.between("timeouts.upgrade_linger", c.UpgradeLinger, 0, 24*time.Hour)
}

// checkListeners wants every address good and in use once. Port 0, which the system replaces by a free one, may be
// used often.
func (f *document) checkListeners(c *Config) {
	type user struct{ key, addr string }
	var users []user
	listen := func(key, addr string) {
		f.address(key, addr)
		for _, u := range users {
			switch {
			case strings.HasSuffix(addr, ":0"):
			case addr == u.addr:
				f.wrong(key, "%q, already used by %s", addr, u.key)
			case overlap(addr, u.addr):
				f.wrong(key, "%q, already used by %s, %q", addr, u.key, u.addr)
			}
		}
		users = append(users, user{key, addr})
	}
	for i, addr := range c.Server.Listen {
		listen(Item("server.listen", i), addr)
	}
	for i, addr := range c.TLS.Listen {
		listen(Item("tls.listen", i), addr)
	}
	if c.Server.Admin != "" {
		listen("server.admin", c.Server.Admin)
	}
	if c.Server.AgentCheck != "" {
		listen("server.agent_check", c.Server.AgentCheck)
	}
	if len(c.Server.Listen)+len(c.TLS.Listen) == 0 {
		f.wrong("server.listen", `no address, want at least one such as ":8086"`)
	}
}

// checkCertificates loads all of them, for a server that finds out at the first viewer is not worth starting.
func (f *document) checkCertificates(c *TLS) {
	if len(c.Listen) > 0 && len(c.Certificates) == 0 {
		f.wrong("tls.certificates", "missing, want at least one for tls.listen")
	}
	for i, cert := range c.Certificates {
		key := Item("tls.certificates", i)
		f.checkKeyPair(key, key+".cert", cert.Cert, key+".key", cert.Key)
	}
}

// checkKeyPair wants a certificate and the key that fits it.
func (f *document) checkKeyPair(key, certKey, cert, keyKey, private string) {
	certOK := f.file(certKey, cert)
	keyOK := f.file(keyKey, private)
	if !certOK || !keyOK {
		return
	}
	f.keepPrivate(keyKey, private)
	pair, err := tls.LoadX509KeyPair(cert, private)
	if err != nil {
		f.wrong(key, "cert %q, key %q: %v", cert, private, err)
		return
	}
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		f.closer = append(f.closer, f.about(certKey, "%q ended on %s", cert, day(pair.Leaf.NotAfter)))
	case now.Before(pair.Leaf.NotBefore):
		f.closer = append(f.closer, f.about(certKey, "%q is good from %s on", cert, day(pair.Leaf.NotBefore)))
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// checkClients is about whom TLS is spoken with.
func (f *document) checkClients(c *TLS) {
	f.oneOf("tls.min_version", c.MinVersion, "1.2", "1.3")
	if c.ClientCA == "" || !f.file("tls.client_ca", c.ClientCA) {
		return
	}
	if _, err := upstream.LoadRoots(c.ClientCA); err != nil {
		f.wrong("tls.client_ca", "%v", err)
	}
}

// checkProxy wants an address only: what the proxy is asked for is up to each pull and forward.
func (f *document) checkProxy(c *Proxy) {
	if c.URL == "" {
		return
	}
	f.locate("proxy.url", &c.URL)
	if u := f.url("proxy.url", c.URL, "http"); u != nil && (u.Path != "" && u.Path != "/" || u.RawQuery != "") {
		f.wrong("proxy.url", "%q, want nothing after host and port", upstream.Redacted(c.URL))
	}
}

func (f *document) between(key string, d Duration, low, high time.Duration) {
	if d < Duration(low) || d > Duration(high) {
		f.wrong(key, "%s, want %s to %s", d, Duration(low), Duration(high))
	}
}

func (f *document) count(key string, n, high int) {
	if n < 0 || n > high {
		f.wrong(key, "%d, want 0 to %d", n, high)
	}
}

func (f *document) oneOf(key, value string, allowed ...string) {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		if value == a {
			return
		}
		quoted[i] = fmt.Sprintf("%q", a)
	}
	last := len(quoted) - 1
	f.wrong(key, "%.80q, want %s or %s", value, strings.Join(quoted[:last], ", "), quoted[last])
}

// file wants an ordinary file that can be read: a pipe could block for ever when it is opened.
func (f *document) file(key, name string) bool {
	if name == "" {
		f.wrong(key, "missing, want the name of a file")
		return false
	}
	f.files = append(f.files, name)
	if err := readable(name); err != nil {
		f.wrong(key, "%v", err)
		return false
	}
	return true
}

func readable(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not an ordinary file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return file.Close()
}
