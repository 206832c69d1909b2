package server

import (
	"strconv"
	"strings"
	"time"

	"pumpd/codec"
	"pumpd/server/admission"
	"pumpd/server/config"
	"pumpd/server/logging"
	"pumpd/server/stream"
)

// How a loop keeps to the ledger: which viewers there is room for. A viewer has a seat from its Play on, or from when
// it is held. A Describe and a HEAD have one while they are held and no longer; they are refused where a Play would be.

// admissionOf is what the ledger wants to know of the configuration.
func admissionOf(cfg *config.Server) admission.Limits {
	return admission.Limits{
		Viewers:     int64(cfg.MaxViewers),
		Bandwidth:   int64(cfg.MaxBandwidth),
		PerOrigin:   int64(cfg.MaxPerIP),
		Line:        int64(cfg.Uplink.Rate),
		LineReserve: cfg.UplinkReserve,
		Kept:        cfg.RelayShare,
	}
}

func streamAdmission(cfg *config.Stream) admission.StreamLimits {
	return admission.StreamLimits{
		Viewers:   int64(cfg.MaxViewers),
		Bandwidth: int64(cfg.MaxBandwidth),
		Bitrate:   int64(cfg.Bitrate),
	}
}

// admit finds room for c, which asks to watch; j is where the stream is, nil where it is not up and c waits for it. It
// is false if c has been refused.
func (l *loop) admit(c *conn, x exchange, j *stream.Joins) bool {
	var why admission.Cause
	if j == nil || x.want != wantDescribe && !isHead(x.Method) {
		c.seat, why = l.node.ledger.Enter(l.ask(c, x, j))
	} else {
		why = l.node.ledger.Ask(l.ask(c, x, j))
	}
	if why != admission.None {
		l.full(c, x, why)
	}
	return why == admission.None
}

// ask is what the ledger is to know of c.
func (l *loop) ask(c *conn, x exchange, j *stream.Joins) admission.Ask {
	ask := admission.Ask{Stream: x.stream.ID(), From: originOf(c.remote.Addr())}
	if x.dialect.Padded() || !l.limits.stripPadding {
		ask.Class |= admission.Padded
	}
	if !c.remote.Addr().Unmap().Is4() {
		ask.Class |= admission.IPv6
	}
	if c.secure() {
		ask.Class |= admission.TLS
	}
	if x.dialect.Relay {
		ask.Class |= admission.Relay
	}
	if j != nil {
		h := j.Gen.Header()
		ask.Declared, ask.Packet = int64(h.Bitrate()), h.PacketSize
	}
	return ask
}

// unseat gives c's seat at a stream back, if it has one.
func (l *loop) unseat(c *conn, st *stream.Stream) {
	l.node.ledger.Leave(c.seat, st.ID(), originOf(c.remote.Addr()))
	c.seat = 0
}

// full refuses a viewer for whom there is no room: it is sent where there may be, or told to come again.
func (l *loop) full(c *conn, x exchange, why admission.Cause) {
	l.log.Warn(logging.NoRoom, "stream", x.stream.Config().Path, "limit", why, "from", c.name())
	fields, text, after := l.viaField(x), why.Text(), retryAfter()
	if q := l.node.quota.Load(); q != nil && why == admission.Quota {
		ends := q.Use().Ends
		text += ", until " + ends.Format("2006-01-02 15:04 MST")
		after = retryAt(ends, time.Now())
	}
	if why.Elsewhere() {
		if place := l.elsewhere(c, x); place != "" {
			at := codec.WithoutQuery([]byte(place))
			l.refuse(c, x.to, 302, text+", it is at "+string(at), append(fields, "Location", place)...)
			return
		}
	}
	l.refuse(c, x.to, 503, text, append(fields, "Retry-After", strconv.FormatInt(after, 10))...)
}

// measure tells the ledger what the streams cost, once a second, and what of the line is their forwards'.
func (s *Server) measure() {
	now := s.clock.Now()
	var forwards int64
	for _, st := range s.reg.Streams() {
		n := st.Stats()
		sample := admission.Sample{Bytes: n.BytesIn.Load(), Packets: n.PacketsIn.Load(), At: now}
		if h := st.Header(); h != nil {
			sample.Declared, sample.Packet = int64(h.Bitrate()), h.PacketSize
		}
		if why := s.node.ledger.Measure(st.ID(), sample); why != admission.None {
			st.Log().Warn(logging.NoRoomEver, "limit", why)
		}
		for _, url := range st.Config().Forward {
			class := admission.Class(0)
			if strings.HasPrefix(url, "https:") {
				class = admission.TLS
			}
			forwards += s.node.ledger.CostOf(st.ID(), class)
		}
	}
	s.node.ledger.Reserve(forwards - s.reserved)
	s.node.line.Others(forwards / 8)
	s.reserved = forwards
}
