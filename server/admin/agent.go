package admin

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"pumpd/server/admission"
	"pumpd/server/clock"
)

// An Agent answers HAProxy's agent-check: whoever connects is told in a line how much of the load this pump should get,
// and the connection is closed.
//
//	up 63%         it takes viewers, and 63 % of what it has room for is free
//	up 63% ready   the same, soon after the start
//	drain          those who watch may stay, nobody new should come
//	down           it is not ready
//
// HAProxy keeps to a "drain" until it hears "ready", also when the pump was started anew. It would take back as well
// what an operator has told HAProxy, so it is not said for ever.
type Agent struct {
	s     *Subject
	begun clock.Instant
	l     net.Listener
	asked chan struct{} // as many as are being answered
	all   sync.WaitGroup
}

const (
	// MaxAgentConns is how many are answered at a time; more wait until they are accepted.
	MaxAgentConns = 8

	agentTime = time.Second // for one who asks to take the answer and to go
	readyTime = time.Minute // for which "ready" is said
)

// StartAgent answers on an address, of server.agent_check, until Close is called. An error is the listener's, with the
// configuration's key.
func StartAgent(s *Subject, address string) (*Agent, error) {
	l, err := s.listen(address)
	if err != nil {
		return nil, fmt.Errorf("server.agent_check: %w", err)
	}
	a := &Agent{s: s, begun: s.Clock.Now(), l: l, asked: make(chan struct{}, MaxAgentConns)}
	a.all.Go(a.run)
	s.Log.Info("agent check", "address", l.Addr())
	return a, nil
}

// Addr is the address with the port that it got where 0 is configured.
func (a *Agent) Addr() netip.AddrPort { return a.l.Addr().(*net.TCPAddr).AddrPort() }

// Close returns when the last one has been answered.
func (a *Agent) Close() {
	a.l.Close()
	a.all.Wait()
}

func (a *Agent) run() {
	for {
		a.asked <- struct{}{}
		c, err := a.l.Accept()
		if err == nil {
			a.all.Go(func() {
				a.answer(c)
				<-a.asked
			})
			continue
		}
		<-a.asked
		if errors.Is(err, net.ErrClosed) {
			return
		}
		a.s.Log.Debug("agent check", "err", err)
		time.Sleep(agentTime) // there may be no descriptors
	}
}

// answer tells one how the pump is. What HAProxy sends by agent-send is read: a connection that is closed over unread
// bytes is reset, and then the answer is lost.
func (a *Agent) answer(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(agentTime))
	if _, err := io.WriteString(c, a.word()+"\n"); err != nil {
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	const most = 1 << 10
	_, _ = io.CopyN(io.Discard, c, most)
}

func (a *Agent) word() string {
	s := a.s
	state := s.state()
	if state == serverDraining {
		return "drain"
	}
	missing, _ := s.streamsUp()
	if state != serverReady || missing || s.crowded() != "" {
		return "down"
	}
	word := fmt.Sprintf("up %d%%", s.free())
	if s.Clock.Now().Since(a.begun) < readyTime {
		word += " ready"
	}
	return word
}

// free is how much of the pump's limits is free, in percent: of the one that is reached first.
func (s *Subject) free() int64 {
	room, n := s.Room(), s.Counters()
	if room.Shut != admission.None || room.Headroom <= 0 {
		return 0
	}
	least := int64(100)
	for _, l := range []struct{ used, limit int64 }{
		{room.Viewers, room.MaxViewers}, {room.Bandwidth, room.MaxBandwidth}, {room.Line, room.Usable},
		{n.Connections, n.Limit},
	} {
		if l.limit > 0 {
			least = min(least, 100*max(0, l.limit-l.used)/l.limit)
		}
	}
	return least
}
