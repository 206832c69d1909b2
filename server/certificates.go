package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"pumpd/server/admin"
	"pumpd/server/config"
	"pumpd/server/upstream"
)

// certificates are those of the configuration, and the CAs that clients' must be signed by. They are read again when
// their files change, so that renewing one needs no restart. A pair of files is taken as a whole or not at all:
//
//	a look ─▶ files as they were ─▶ next look in a minute
//	  └─────▶ changed: a look in 2 s ─▶ still changing: again
//	                         └────────▶ settled: load ─▶ good: for handshakes from now on
//	                                              └────▶ not: the old pair stays, and the log says why
type certificates struct {
	// Set by newCertificates, never changed.
	cfg  *config.TLS
	log  *slog.Logger
	base *tls.Config // without ClientCAs

	// Any goroutine.
	loaded atomic.Pointer[loadedCertificates]
	hurry  chan struct{} // holds one while somebody wants a look now

	// The watching goroutine's.
	pending [][]stamp // what the last look saw, file by file
}

const (
	lookInterval = time.Minute     // for so long a certificate may be out of date
	settleTime   = 2 * time.Second // for so long files must not have changed
)

// loadedCertificates are what was read at one time. They do not change.
type loadedCertificates struct {
	pairs  []tls.Certificate
	stamps [][]stamp   // of the files of each pair, and of client_ca
	config *tls.Config // of the listeners; a new one with each new client_ca, since sessions of the old one are void then
	admin  *tls.Config // of the admin, whose users have passwords: it asks for no certificate
}

// A stamp tells two versions of a file apart. The zero stamp is of none.
type stamp struct {
	changed time.Time
	size    int64
	inode   uint64
}

// newCertificates loads them. base is what the listeners' configuration has beside them.
func newCertificates(cfg *config.TLS, base *tls.Config, log *slog.Logger) (*certificates, error) {
	c := &certificates{cfg: cfg, log: log, base: base, hurry: make(chan struct{}, 1)}
	c.pending = c.stamps() // from before
	l := &loadedCertificates{stamps: c.pending}
	for _, f := range cfg.Certificates {
		pair, err := c.loadPair(f)
		if err != nil {
			return nil, err
		}
		l.pairs = append(l.pairs, pair)
	}
	var err error
	if l.config, err = c.loadConfig(); err != nil {
		return nil, err
	}
	l.admin = c.base.Clone()
	l.admin.GetCertificate = c.choose
	c.loaded.Store(l)
	return c, nil
}

// config is that of the next handshake.
func (c *certificates) config() *tls.Config { return c.loaded.Load().config }

// chooseIfThere is choose for a handshake whose peer waits for the result: what comes next is a signature, which costs
// a millisecond with RSA.
func (c *certificates) chooseIfThere(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s, ok := hello.Conn.(*shim); ok && s.handshake != nil && s.gone() {
		return nil, errPeerGone
	}
	return c.choose(hello)
}

// choose gives the first certificate that fits a client: name, algorithms. A client that none fits gets the first one
// and may complain about it.
func (c *certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pairs := c.loaded.Load().pairs
	for i := range pairs {
		if hello.SupportsCertificate(&pairs[i]) == nil {
			return &pairs[i], nil
		}
	}
	return &pairs[0], nil
}

// watch looks at the files until ctx is done.
func (c *certificates) watch(ctx context.Context) {
	next := time.NewTimer(lookInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			next.Reset(c.look())
		case <-c.hurry:
			next.Reset(c.look())
		}
	}
}

// lookSoon has the files looked at now, and not within a minute. Any goroutine.
func (c *certificates) lookSoon() {
	select {
	case c.hurry <- struct{}{}:
	default:
	}
}

// look loads what has changed and has settled since. It returns when to look again.
func (c *certificates) look() time.Duration {
	now, before := c.stamps(), c.pending
	c.pending = now
	old := c.loaded.Load()
	l := &loadedCertificates{slices.Clone(old.pairs), slices.Clone(old.stamps), old.config, old.admin}
	again, fresh := lookInterval, false
	for i := range now {
		switch {
		case slices.Equal(now[i], old.stamps[i]):
		case !slices.Equal(now[i], before[i]):
			again = settleTime
		default:
			l.stamps[i], fresh = now[i], true
			c.replace(l, i)
		}
	}
	if fresh {
		c.loaded.Store(l)
	}
	return again
}

// replace loads the files of one pair, or client_ca, which comes behind the pairs. What is wrong with them is said
// once: they are looked at again when they have changed again.
func (c *certificates) replace(l *loadedCertificates, i int) {
	if i == len(l.pairs) {
		cfg, err := c.loadConfig()
		if err != nil {
			c.log.Error("tls: keeping the old client_ca", "err", err)
			return
		}
		c.log.Info("tls: client_ca loaded", "file", c.cfg.ClientCA)
		l.config = cfg
		return
	}
	pair, err := c.loadPair(c.cfg.Certificates[i])
	if err != nil {
		c.log.Error("tls: keeping the old certificate", "err", err)
		return
	}
	l.pairs[i] = pair
}

// stamps are those of the files of each pair, and of client_ca.
func (c *certificates) stamps() (all [][]stamp) {
	for _, f := range c.cfg.Certificates {
		all = append(all, []stamp{stampOf(f.Cert), stampOf(f.Key)})
	}
	return append(all, []stamp{stampOf(c.cfg.ClientCA)})
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	s := stamp{changed: info.ModTime(), size: info.Size()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s
}

// loadPair reads a certificate and its key, and says in the log which it is and until when it is good.
func (c *certificates) loadPair(f config.Certificate) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return pair, fmt.Errorf("%s: %w", f.Cert, err)
	}
	names, ends := strings.Join(namesOf(pair.Leaf), " "), pair.Leaf.NotAfter
	if time.Now().After(ends) {
		c.log.Warn("tls: certificate has expired", "file", f.Cert, "names", names, "expires", ends)
	} else {
		c.log.Info("tls: certificate loaded", "file", f.Cert, "names", names, "expires", ends)
	}
	return pair, nil
}

// loadConfig makes the listeners' configuration, with client_ca as it is now.
func (c *certificates) loadConfig() (*tls.Config, error) {
	cfg := c.base.Clone()
	cfg.GetCertificate = c.chooseIfThere
	if c.cfg.ClientCA == "" {
		return cfg, nil
	}
	roots, err := upstream.LoadRoots(c.cfg.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("client_ca: %w", err)
	}
	cfg.ClientCAs, cfg.ClientAuth = roots, tls.VerifyClientCertIfGiven
	return cfg, nil
}

// shown are those that are used now. Any goroutine.
func (c *certificates) shown() (list []admin.Certificate) {
	for i, pair := range c.loaded.Load().pairs {
		list = append(list, admin.Certificate{File: c.cfg.Certificates[i].Cert, Expires: pair.Leaf.NotAfter})
	}
	return list
}

// namesOf are all names that a certificate has for whom it is of.
func namesOf(cert *x509.Certificate) (names []string) {
	names = append(names, cert.DNSNames...)
	names = append(names, cert.EmailAddresses...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if cn := cert.Subject.CommonName; cn != "" && !slices.Contains(names, cn) {
		names = append(names, cn)
	}
	return names
}
