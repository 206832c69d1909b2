package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"pumpd/server/clock"
	"pumpd/server/config"
)

// certificates are those of the configuration. They are read again when their files change, so that renewing one needs
// no restart.
type certificates struct {
	// Set by newCertificates, never changed.
	files []config.Certificate
	clock clock.Clock
	log   *slog.Logger

	// Any goroutine.
	loaded atomic.Pointer[loadedCertificates]
	look   atomic.Int64 // instant of the next look at the files
}

// lookInterval is how long a certificate may be out of date.
const lookInterval = time.Minute

// loadedCertificates are what was read at one time.
type loadedCertificates struct {
	pairs  []tls.Certificate
	stamps []stamp // of their files
}

// A stamp tells two versions of a file apart.
type stamp struct {
	changed time.Time
	size    int64
}

func newCertificates(files []config.Certificate, clk clock.Clock, log *slog.Logger) (*certificates, error) {
	c := &certificates{files: files, clock: clk, log: log}
	stamps, err := c.stamps()
	if err != nil {
		return nil, err
	}
	c.look.Store(int64(clk.Now().Add(lookInterval)))
	return c, c.load(stamps)
}

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
	c.refresh()
	pairs := c.loaded.Load().pairs
	for i := range pairs {
		if hello.SupportsCertificate(&pairs[i]) == nil {
			return &pairs[i], nil
		}
	}
	return &pairs[0], nil
}

// refresh looks at the files if it is time to. Whoever sets the next time looks; the others go on with what there is.
func (c *certificates) refresh() {
	now := c.clock.Now()
	look := c.look.Load()
	if int64(now) < look || !c.look.CompareAndSwap(look, int64(now.Add(lookInterval))) {
		return
	}
	stamps, err := c.stamps()
	if err == nil {
		if slices.Equal(stamps, c.loaded.Load().stamps) {
			return
		}
		err = c.load(stamps)
	}
	if err != nil { // one of two files may be written already; the next look finds both
		c.log.Error("tls: keeping the old certificates", "err", err)
		return
	}
	c.log.Info("tls: certificates have changed and are loaded")
}

func (c *certificates) stamps() ([]stamp, error) {
	var stamps []stamp
	for _, f := range c.files {
		for _, name := range []string{f.Cert, f.Key} {
			info, err := os.Stat(name)
			if err != nil {
				return nil, err
			}
			stamps = append(stamps, stamp{info.ModTime(), info.Size()})
		}
	}
	return stamps, nil
}

// load reads the files, whose stamps must be from before.
func (c *certificates) load(stamps []stamp) error {
	l := &loadedCertificates{stamps: stamps}
	for _, f := range c.files {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Cert, err)
		}
		l.pairs = append(l.pairs, pair)
	}
	c.loaded.Store(l)
	return nil
}
