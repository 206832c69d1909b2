package server

import "syscall"

// A tlsEngine sends to viewers with TLS, who each need their own encryption, and leaves the others to the engine behind
// it.
type tlsEngine struct {
	plain  engine
	merged []byte // slices of a turn in one piece: records of 16 KB cost half of what records of a packet cost
}

// offerBytes are offered to one viewer with TLS at once.
const offerBytes = turnBytes

func newTLSEngine(behind engine) *tlsEngine { return &tlsEngine{plain: behind} }

func (e *tlsEngine) send(v *viewer, b []byte, done sent) {
	if v.tls == nil {
		e.plain.send(v, b, done)
		return
	}
	n, errno := v.tls.offer(b)
	done.sent(v, n, errno)
}

func (e *tlsEngine) writev(v *viewer, bs [][]byte) (int, syscall.Errno) {
	if v.tls == nil {
		return e.plain.writev(v, bs)
	}
	e.merged = e.merged[:0]
	for _, b := range bs {
		if len(e.merged) >= offerBytes {
			break
		}
		e.merged = append(e.merged, b...)
	}
	return v.tls.offer(e.merged)
}

func (e *tlsEngine) flush() { e.plain.flush() }
func (e *tlsEngine) close() { e.plain.close() }
