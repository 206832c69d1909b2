package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/server/clock"
)

// A relay is a connection with TLS that does not watch: an encoder's, or one whose request is still to come. Nobody can
// move its keys, so the process that has handed everything over goes on with TLS, and with nothing else: what the peer
// says it passes on to the new process, on a connection of the machine with itself, and back.
//
//	encoder ══ TLS ══ old: relay ── a connection like any other ── new: push ─▶ stream
type relay struct {
	peer   *tls.Conn
	socket *net.TCPConn // under it
	here   *net.TCPConn // to the new process

	// patience is how long either side may take nothing, and after the end of one side the other may take.
	patience time.Duration
}

// A movedRelay is what the new process is told of a connection that is relayed.
type movedRelay struct {
	Version uint16 // of TLS; 0: its handshake is not over
	Cert    []byte // what the peer has shown and client_ca has signed, nil if nothing
}

// A relayed is the wire of a connection for which the process before speaks TLS.
type relayed struct {
	*gnetWire
	version uint16
	cert    *x509.Certificate // nil: none was shown
}

// arrive makes a wire of what was told of one, but for what is below it.
func (m *movedRelay) arrive() (*relayed, error) {
	const most = 64 << 10 // more than a handshake takes
	w := &relayed{version: m.Version}
	if len(m.Cert) == 0 {
		return w, nil
	}
	if len(m.Cert) > most {
		return nil, fmt.Errorf("certificate: %d bytes, limit %d", len(m.Cert), most)
	}
	var err error
	w.cert, err = x509.ParseCertificate(m.Cert)
	return w, err
}

// run passes on what is said until both sides have ended, or ctx is done.
func (r *relay) run(ctx context.Context) {
	defer context.AfterFunc(ctx, r.close)()
	var back sync.WaitGroup
	back.Go(func() {
		err := pass(r.peer, r.socket, r.here, r.patience)
		if err == nil {
			err = errors.Join(r.peer.CloseWrite(), r.socket.CloseWrite(),
				r.socket.SetReadDeadline(time.Now().Add(r.patience)))
		}
		if err != nil {
			r.close()
		}
	})
	err := pass(r.here, r.here, r.peer, r.patience)
	if err == nil {
		err = r.here.CloseWrite()
	}
	if err != nil {
		r.close()
	}
	back.Wait()
	r.close()
}

func (r *relay) close() {
	r.socket.Close()
	r.here.Close()
}

// pass copies until its source ends, which is no error. A target that takes nothing for patience is one; over is the
// socket under it.
func pass(to io.Writer, over net.Conn, from io.Reader, patience time.Duration) error {
	b := make([]byte, relayBytes)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if err := over.SetWriteDeadline(time.Now().Add(patience)); err != nil {
				return err
			}
			if _, err := to.Write(b[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

const (
	relayBytes = 16 << 10
	// mostRelays is how many connections that do not push are relayed: each takes two descriptors and two goroutines, and
	// they are made while all stands still.
	mostRelays = 256
)

// relays are those of a departure.
type relays struct {
	log      *slog.Logger
	patience time.Duration
	list     []*relay     // of connections that a loop had
	going    atomic.Int64 // of list
	mu       sync.Mutex
	fresh    map[*newcomer]*net.TCPConn // to the new process, for those whose handshakes are not over
}

// start has those that loops had go on.
func (r *relays) start(ctx context.Context, helpers *sync.WaitGroup) {
	for _, one := range r.list {
		r.going.Add(1)
		helpers.Go(func() {
			defer r.going.Add(-1)
			one.run(ctx)
		})
	}
}

// goOn is for a connection whose handshake is over now. It returns when the connection is.
func (r *relays) goOn(ctx context.Context, c *newcomer, w *tlsWire) {
	defer c.Close()
	socket, ok := c.Conn.(*net.TCPConn)
	here := r.take(c)
	if here == nil {
		return
	}
	defer here.Close()
	if ok && socket.SetDeadline(time.Time{}) == nil {
		w.shim.handshake, w.shim.relay = nil, socket
		(&relay{peer: w.tls, socket: socket, here: here, patience: r.patience}).run(ctx)
	}
}

// giveUp is for one whose handshake has failed.
func (r *relays) giveUp(c *newcomer) {
	if here := r.take(c); here != nil {
		here.Close()
	}
}

// take is the connection to the new process that there is for a newcomer, nil if none.
func (r *relays) take(c *newcomer) *net.TCPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	here := r.fresh[c]
	delete(r.fresh, c)
	return here
}

// stay is for a departure that does not take place.
func (r *relays) stay() {
	for _, one := range r.list {
		one.peer.NetConn().(*shim).relay = nil
		one.close()
	}
	for _, here := range r.fresh {
		here.Close()
	}
}

// addRelay has a conn with TLS move, as one that is relayed. false: it stays.
func (d *departure) addRelay(l *loop, c *conn) bool {
	w, ok := c.wire.(*tlsWire)
	if !ok || c.viewer != nil {
		return false
	}
	w.take() // the loop may have come to rest with it in its hands
	if !c.settled() || w.over != nil || c.push == nil && len(d.relays.list) >= mostRelays {
		return false
	}
	m, ok := d.describe(l, c)
	if !ok {
		return false
	}
	socket, err := duplicateConn(int(c.fd))
	if err != nil {
		return false
	}
	here, err := d.addEnd(m)
	if err != nil {
		socket.Close()
		d.relays.log.Warn("upgrade: a connection with TLS cannot be relayed", "from", c.remote, "err", err)
		return false
	}
	d.relays.list = append(d.relays.list, &relay{peer: w.tls, socket: socket, here: here, patience: d.relays.patience})
	d.moved[c] = struct{}{}
	w.shim.relay = socket
	return true
}

// duplicateConn is another connection of package net of a socket.
func duplicateConn(fd int) (*net.TCPConn, error) {
	again, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return connOf(again)
}

// addFresh has those move whose handshakes are not over: the new process waits until a deadline for what they will ask.
// Who has said hello goes first: there may be many who never do, and for them no upgrade fails.
func (d *departure) addFresh(h *handshakes, deadline clock.Instant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, greeted := range []bool{true, false} {
		for c, is := range h.underway {
			if is != greeted || c.front != nil && c.front.awaited { // of the latter nobody knows for whom it speaks
				continue
			}
			if len(d.relays.fresh) == mostRelays {
				return
			}
			here, err := d.addEnd(movedConn{Remote: c.remote, Stream: -1, Front: c.front.describe(), Relay: &movedRelay{},
				Deadline: deadline})
			if err != nil {
				d.relays.log.Warn("upgrade: handshakes that are going on are given up", "err", err)
				return
			}
			d.relays.fresh[c] = here
		}
	}
}

// addEnd adds a connection to the new process, which is told that it is m, by default one of this machine's.
func (d *departure) addEnd(m movedConn) (here *net.TCPConn, err error) {
	here, there, err := tcpPair()
	if err != nil {
		return nil, err
	}
	fd, err := duplicate(there)
	there.Close()
	if err != nil {
		here.Close()
		return nil, err
	}
	if !m.Remote.IsValid() {
		m.Remote = here.LocalAddr().(*net.TCPAddr).AddrPort()
	}
	d.ends = append(d.ends, fd)
	d.conns, d.fds = append(d.conns, m), append(d.fds, fd)
	return here, nil
}

// tlsNumber is the version of TLS that the peer speaks, as in crypto/tls, or 0 where nobody knows; false: it speaks
// plainly.
func (c *conn) tlsNumber() (version uint16, ok bool) {
	switch w := c.wire.(type) {
	case *tlsWire:
		return w.tls.ConnectionState().Version, true
	case *relayed:
		return w.version, true
	}
	return 0, false
}

// describeTLS is what is told of how c's peer speaks, nil: plainly.
func (c *conn) describeTLS() *movedRelay {
	version, ok := c.tlsNumber()
	if !ok {
		return nil
	}
	m := movedRelay{Version: version}
	if cert := c.certificate(); cert != nil {
		m.Cert = cert.Raw
	}
	return &m
}

// wire is a's, above what gnet has.
func (a *arrivingConn) wire(below *gnetWire) wire {
	if a.tls == nil {
		return below
	}
	a.tls.gnetWire = below
	return a.tls
}
