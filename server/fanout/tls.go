package fanout

import "syscall"

// A tlsEngine sends to viewers with TLS, who each need their own encryption, and leaves the others to the engine behind
// it.
type tlsEngine struct {
	plain  Engine
	merged []byte // slices of a turn in one piece: records of 16 KB cost half of what records of a packet cost
}

// An Offer encrypts b for one viewer, at most OfferBytes of it, and sends what that gives. It returns how much of b is
// done with; EAGAIN is a full socket, any other errno a dead one. What is offered next must begin with the rest of b.
//
// It is a function and no interface because that is half as long: with 8 bytes more a viewer would take 16.
type Offer func(b []byte) (n int, errno syscall.Errno)

// OfferBytes is how much is encrypted for one viewer at once.
const OfferBytes = turnBytes

// WithTLS is an engine that has what viewers with TLS are sent encrypted, and leaves the others to the one behind it.
func WithTLS(behind Engine) Engine { return &tlsEngine{plain: behind} }

// SpeakTLS has the hub send to viewers with TLS as well.
func (h *Hub) SpeakTLS() {
	if _, speaks := h.engine.(*tlsEngine); !speaks {
		h.engine = WithTLS(h.engine)
	}
}

func (e *tlsEngine) Send(v *Viewer, b []byte, done Reporter) {
	if v.tls == nil {
		e.plain.Send(v, b, done)
		return
	}
	n, errno := v.tls(b)
	done.Sent(v, n, errno)
}

func (e *tlsEngine) Writev(v *Viewer, bs [][]byte) (int, syscall.Errno) {
	if v.tls == nil {
		return e.plain.Writev(v, bs)
	}
	e.merged = e.merged[:0]
	for _, b := range bs {
		if len(e.merged) >= OfferBytes {
			break
		}
		e.merged = append(e.merged, b...)
	}
	return v.tls(e.merged)
}

func (e *tlsEngine) Flush() { e.plain.Flush() }
func (e *tlsEngine) Close() { e.plain.Close() }
