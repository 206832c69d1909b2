package server

import (
	"encoding/binary"
	"errors"
	"time"

	"pumpd/server/admission"
)

// Viewers with TLS whom the process before goes on serving are lodgers here: they have their seats, and what they are
// sent counts, though no conn here is theirs. On the connection on which that process gets a stream it says, whenever
// it has changed, how many watch there and how much they have been sent:
//
//	new: a viewer like any other ──── stream ───▶ old: follow ─▶ viewers with TLS
//	     lodgers ◀──────────────── records ──────────────┘
type lodgers struct {
	seats admission.Counts
	bytes uint64 // that they have been sent since they lodge
}

// lodgersSize is the bytes of a record.
const lodgersSize = 8 + 4*len(admission.Counts{})

var errLodgers = errors.New("so many lodgers cannot be")

// append adds the record.
func (n lodgers) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, n.bytes)
	for _, viewers := range n.seats {
		b = binary.BigEndian.AppendUint32(b, uint32(viewers))
	}
	return b
}

// parseLodgers reads a record that follows on another one.
func parseLodgers(b []byte, before lodgers) (n lodgers, err error) {
	const most = 1 << 20 // viewers of a class
	if len(b) != lodgersSize {
		return n, errLodgers
	}
	n.bytes = binary.BigEndian.Uint64(b)
	for i := range n.seats {
		viewers := binary.BigEndian.Uint32(b[8+4*i:])
		if viewers > most {
			return n, errLodgers
		}
		n.seats[i] = int32(viewers)
	}
	if n.bytes < before.bytes {
		return n, errLodgers
	}
	return n, nil
}

// lodge takes in what has come of records on c.
func (l *loop) lodge(c *conn) {
	for {
		b := c.wire.peek()
		if len(b) < lodgersSize {
			return
		}
		if n, err := parseLodgers(b[:lodgersSize], l.lodgers[c]); err != nil {
			l.log.Error("upgrade: the process before", "err", err)
		} else {
			l.setLodgers(c, n)
		}
		c.wire.discard(lodgersSize)
	}
}

// setLodgers has n count where others did before. On the conn whose viewer is the process before.
func (l *loop) setLodgers(c *conn, n lodgers) {
	st, before := c.viewer.Stream(), l.lodgers[c]
	l.node.ledger.Lodge(st.ID(), before.seats, n.seats)
	st.Stats().BytesOut.Add(n.bytes - before.bytes)
	l.lodgers[c] = n
}

// leaveLodgers is for a conn that parts from its stream.
func (l *loop) leaveLodgers(c *conn) {
	if n, has := l.lodgers[c]; has {
		n.seats = admission.Counts{}
		l.setLodgers(c, n)
		delete(l.lodgers, c)
	}
}

// reportTime is long for some bytes on one machine.
const reportTime = 100 * time.Millisecond

// report tells the new process of f's viewers if there is anything new.
func (f *follow) report(s *Server) {
	now := lodgers{s.node.ledger.Seated(f.stream.ID()), f.stream.Stats().BytesOut.Load() - f.base}
	if now == f.told || f.mute {
		return
	}
	f.from.SetWriteDeadline(time.Now().Add(reportTime))
	_, err := f.from.Write(now.append(nil))
	f.told, f.mute = now, err != nil // part of it may have gone, and nothing can follow on that
}
