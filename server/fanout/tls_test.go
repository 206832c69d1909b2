package fanout

import (
	"syscall"
	"testing"
)

// A sealer takes everything that it is offered.
type sealer struct{ offers, bytes int }

func (s *sealer) offer(b []byte) (int, syscall.Errno) {
	s.offers++
	s.bytes += len(b)
	return len(b), 0
}

// What is for a viewer with TLS is offered to it, a turn in as few pieces as may be, and nothing of others does.
func TestTLSEngine(t *testing.T) {
	e := WithTLS(swallow{})
	s := &sealer{}
	secret, plain := NewViewer(1, vlcPlayer, s.offer), NewViewer(2, vlcPlayer, nil)
	b := make([]byte, 30_000)
	turn := [][]byte{b[:10], b, b, b, b}
	var count sentCount
	if n := testing.AllocsPerRun(50, func() {
		e.Send(secret, b, &count)
		e.Send(plain, b, &count)
		e.Flush()
	}); n > 0 {
		t.Errorf("a send allocates %.1f times, want 0", n)
	}
	if s.offers != 51 || s.bytes != 51*len(b) || count.sends != 102 || count.bytes != 102*len(b) {
		t.Errorf("%+v was offered, %+v reported, want 51 and 102 sends", s, count)
	}
	*s = sealer{}
	if n, errno := e.Writev(secret, turn); n != 10+3*len(b) || errno != 0 || s.offers != 1 {
		t.Errorf("%d bytes of a turn in %d pieces, %v; want enough for %d in one", n, s.offers, errno, OfferBytes)
	}
	if n, errno := e.Writev(plain, turn); n != 10+4*len(b) || errno != 0 || s.offers != 1 {
		t.Errorf("%d bytes of a turn, %v", n, errno)
	}
}
