package server

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A countingSigner is a key that knows how often it was used.
type countingSigner struct {
	crypto.Signer
	used *atomic.Int64
}

func (s countingSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	s.used.Add(1)
	return s.Signer.Sign(r, digest, o)
}

// countSignatures counts those that a server makes which does not run yet: when it does, it looks at its pairs.
func countSignatures(s *Server) *atomic.Int64 {
	used := new(atomic.Int64)
	pairs := s.handshakes.certs.Load().loaded.Load().pairs
	for i := range pairs {
		pairs[i].PrivateKey = countingSigner{pairs[i].PrivateKey.(crypto.Signer), used}
	}
	return used
}

// holdCPUs keeps handshakes from computing until release is called.
func (h *handshakes) holdCPUs() (release func()) {
	for range cap(h.cpus) {
		h.cpus <- struct{}{}
	}
	return sync.OnceFunc(func() {
		for range cap(h.cpus) {
			<-h.cpus
		}
	})
}

// hangUps are the ways to go.
var hangUps = map[string]func(*net.TCPConn){
	"FIN": func(c *net.TCPConn) { c.Close() },
	"RST": func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
}

// Whoever says hello and hangs up costs no signature; whoever stays has one.
func TestNoSignatureForThoseWhoAreGone(t *testing.T) {
	for name, hangUp := range hangUps {
		var used *atomic.Int64
		s := startTLSServer(t, func(s *Server) { used = countSignatures(s) })
		release := s.handshakes.holdCPUs()
		hello := aHello(t)
		const gone = 20
		for range gone {
			c := dial(t, s.tls).(*net.TCPConn)
			c.Write(hello)
			hangUp(c)
		}
		stays := dial(t, s.tls)
		stays.Write(hello)
		s.until("all are in the line", func() bool { return len(s.handshakes.line) == gone+1 })
		release()
		s.until("one is left", func() bool { return s.gate.inside.Load() == 1 && s.handshakes.answering.size() == 1 })
		if n := used.Load(); n != 1 {
			t.Errorf("%s: %d signatures, want 1", name, n)
		}
	}
}

// Nor does one that is asked for another key share, and hangs up when it has sent it.
func TestNoSignatureAfterARetry(t *testing.T) {
	for name, hangUp := range hangUps {
		var used *atomic.Int64
		s := startTLSServer(t, func(s *Server) {
			used = countSignatures(s)
			s.handshakes.certs.Load().config().CurvePreferences = []tls.CurveID{tls.CurveP384}
		})
		tcp := dial(t, s.tls).(*net.TCPConn)
		c := &thirdWrite{Conn: tcp, do: func() {
			var release func()
			s.until("nobody computes", func() bool {
				release = s.handshakes.holdCPUs()
				if len(s.handshakes.line) == 0 {
					return true
				}
				release() // or it would wait for us, before it waits for the next hello
				return false
			})
			go func() {
				s.until("it is in the line again", func() bool { return len(s.handshakes.line) == 1 })
				hangUp(tcp)
				release()
			}()
		}}
		if err := tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil || c.writes < 3 {
			t.Fatalf("%s: %v, %d writes: not asked again", name, err, c.writes)
		}
		s.until("it is gone", func() bool { return s.gate.inside.Load() == 0 })
		if n := used.Load(); n != 0 {
			t.Errorf("%s: %d signatures, want none", name, n)
		}
	}
}

// A thirdWrite does something before what is written the third time: a hello, a ChangeCipherSpec, the next hello.
type thirdWrite struct {
	net.Conn
	writes int
	do     func()
}

func (c *thirdWrite) Write(b []byte) (int, error) {
	if c.writes++; c.writes == 3 {
		c.do()
	}
	return c.Conn.Write(b)
}

// Those who begin a handshake and do not go on, wherever they stop, make room for others at once, and do not touch
// those who watch.
func TestHandshakesMakeRoom(t *testing.T) {
	hello := aHello(t)
	for name, say := range map[string][]byte{"nothing": nil, "half a hello": hello[:len(hello)/2], "hello": hello} {
		s := startTLSServer(t, func(s *Server) {
			h := s.handshakes
			h.timeout.Store(int64(time.Hour))
			h.greeting.most, h.greeting.each = 8, 4
			h.answering.most, h.answering.each = 8, 4
		})
		s.push()
		c, _ := s.dialTLS(0)
		body := watchOn(t, c, ffmpegAgent)
		waiting := func() int { return s.handshakes.greeting.size() + s.handshakes.answering.size() }
		const flood = 40
		var closed atomic.Int64
		first := make(chan error, 1)
		for i := range flood {
			c := dial(t, s.tls)
			c.Write(say)
			if i == 0 { // before the others, which come in any order
				s.until(name+": it has begun", func() bool { return waiting() == 1 })
			}
			go func() {
				_, err := io.Copy(io.Discard, c)
				if closed.Add(1); i == 0 {
					first <- err
				}
			}()
		}
		s.until(name+": all but four have gone", func() bool {
			return closed.Load() == flood-4 && s.gate.inside.Load() == 2+4 && waiting() == 4
		})
		if err := <-first; isTimeout(err) {
			t.Errorf("%s: the first one: %v, want it closed", name, err)
		}
		late, _ := s.dialTLS(0)
		watchOn(t, late, ffmpegAgent)
		if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
			t.Errorf("%s: the viewer: %v", name, err)
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// A hello that comes byte by byte has no more time than one that does not come.
func TestSlowHello(t *testing.T) {
	const limit = 300 * time.Millisecond
	s := startTLSServer(t, func(s *Server) { s.handshakes.timeout.Store(int64(limit)) })
	begun := time.Now() // before the server sees it
	c := dial(t, s.tls)
	go func() {
		for _, b := range bytes.Repeat(aHello(t), 10) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(limit / 30)
		}
	}()
	if _, err := io.Copy(io.Discard, c); isTimeout(err) || time.Since(begun) < limit {
		t.Errorf("closed after %v, %v, want %v or soon after", time.Since(begun), err, limit)
	}
}

// A herd of clients that come at once, from one address, are all served: none makes room for another while it waits for
// us.
func TestHerdOfHandshakes(t *testing.T) {
	const herd = 60
	s := startTLSServer(t, func(s *Server) {
		h := s.handshakes
		h.answering.most, h.answering.each = herd, herd
		h.line = make(chan struct{}, 4)
	})
	release := s.handshakes.holdCPUs()
	results := make(chan error, herd)
	for range herd {
		c := tls.Client(dial(t, s.tls), &tls.Config{InsecureSkipVerify: true})
		go func() { results <- c.Handshake() }()
	}
	s.until("the line is full", func() bool { return len(s.handshakes.line) == cap(s.handshakes.line) })
	release()
	for range herd {
		if err := await(t, results, "a handshake"); err != nil {
			t.Fatal(err)
		}
	}
}

// Real attacks on a server as it is configured by default, but for the time that handshakes may take: more half hellos
// than it has room for, and whole ones with a reset as fast as they can be sent. No join waits until the time of others
// is over, however busy the machine is.
func TestJoinsDuringHandshakeFloods(t *testing.T) {
	const patience = 15 * time.Second
	hello := aHello(t)
	half := func(c *net.TCPConn) (stays bool) {
		c.Write(hello[:len(hello)/2])
		return true
	}
	reset := func(c *net.TCPConn) (stays bool) {
		c.Write(hello)
		c.SetLinger(0)
		c.Close()
		return false
	}
	for name, attack := range map[string]func(*net.TCPConn) bool{"half hellos": half, "hellos and resets": reset} {
		s := startTLSServer(t, func(s *Server) { s.handshakes.timeout.Store(int64(2 * patience)) })
		s.push()
		ctx, cancel := context.WithCancel(t.Context())
		var attacker sync.WaitGroup
		var sent atomic.Int64
		attacker.Go(func() { flood(ctx, s.tls, &sent, attack) })
		s.until("the flood is on", func() bool { return sent.Load() > 1200 })
		for range 10 {
			begun := time.Now()
			c, _ := s.dialTLS(0)
			watchOn(t, c, ffmpegAgent)
			if took := time.Since(begun); took > patience {
				t.Errorf("%s: a join took %v, want at most %v", name, took, patience)
			}
			c.Close()
		}
		cancel()
		attacker.Wait()
	}
}

// flood makes connections and attacks with them until ctx is over. Those that stay are open until then; at most 2000.
func flood(ctx context.Context, at netip.AddrPort, sent *atomic.Int64, attack func(*net.TCPConn) (stays bool)) {
	for ctx.Err() == nil {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			continue
		}
		if attack(c.(*net.TCPConn)) {
			defer c.Close()
			if sent.Load() > 2000 {
				time.Sleep(time.Second / 130)
			}
		}
		sent.Add(1)
	}
}
