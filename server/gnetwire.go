package server

import (
	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"pumpd/server/fanout"
)

// A gnetWire is a wire on a gnet connection.
type gnetWire struct {
	conn gnet.Conn // nil: gnet has let go of it
	c    *conn     // whose wire it is
	tls  *tlsWire  // above it; nil: c speaks plainly
}

func (w *gnetWire) peek() []byte {
	if w.conn == nil {
		return nil
	}
	b, _ := w.conn.Peek(-1)
	kept := w.kept()
	if kept == nil {
		return b
	}
	if len(b) > 0 {
		kept = append(kept, b...)
		w.c.loop.kept[w.c] = kept
		_, _ = w.conn.Discard(len(b))
	}
	return kept
}

// kept is what had come on a connection in another process, with what has come since, as long as that is not used; nil:
// all comes from gnet.
func (w *gnetWire) kept() []byte {
	if w.c == nil || len(w.c.loop.kept) == 0 {
		return nil
	}
	return w.c.loop.kept[w.c]
}

func (w *gnetWire) discard(n int) {
	if kept := w.kept(); n > 0 && kept != nil { // peek has shown nothing else
		if w.c.loop.kept[w.c] = kept[n:]; n == len(kept) {
			delete(w.c.loop.kept, w.c)
		}
		return
	}
	if n > 0 && w.conn != nil { // gnet takes 0 for everything
		_, _ = w.conn.Discard(n)
	}
}

func (w *gnetWire) write(b []byte) {
	if w.conn != nil {
		_, _ = w.conn.Write(b) // an error comes back as OnClose
	}
}

func (w *gnetWire) try(a, b []byte) int {
	if w.conn == nil || w.unsent() > 0 {
		return 0
	}
	n, _ := fanout.SendBoth(w.conn.Fd(), a, b) // of a dead socket gnet will tell
	return n
}

func (w *gnetWire) unsent() int {
	if w.conn == nil {
		return 0
	}
	return w.conn.OutboundBuffered()
}

func (w *gnetWire) shut() {
	if w.conn != nil {
		_ = unix.Shutdown(w.conn.Fd(), unix.SHUT_WR)
	}
}

func (w *gnetWire) close(abort bool) {
	if w.conn == nil {
		return
	}
	if abort {
		_ = w.conn.SetLinger(0)
	}
	_ = w.conn.EventLoop().Close(w.conn)
}
