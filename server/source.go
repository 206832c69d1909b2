package server

import (
	"errors"
	"fmt"
	"time"

	"pumpd/asf"
)

// A source is a stream's one writer, from claim until end, lost or yield. Its methods belong to one goroutine (a push:
// its conn's loop; a pull or a file: its own).
type source struct {
	// Set by claim, never changed.
	stream *stream
	kind   sourceKind
	who    string // for the log and the status page: an address or a URL
	evict  func() // asks the holder to give the claim up soon; nil: it will not. Called under the registry's mutex

	// The source's goroutine only.
	header_ *asf.Header // as published
	started bool        // a packet of this source is in the chain
	waiting instant     // since when a key frame is awaited
	bad     int         // bad packets in a row
}

type sourceKind uint8

const (
	sourcePush sourceKind = iota
	sourcePull
	sourceFile
	sourceReaper // ends a stream whose grace is over
)

func (k sourceKind) String() string { return [...]string{"push", "pull", "file", "reaper"}[k] }

var (
	errBusy      = errors.New("stream already has a source")
	errNoHeader  = errors.New("packet before a header")
	errBadSource = errors.New("too many bad packets in a row")
)

const (
	maxBadPackets = 100              // in a row, then the source is given up (asf.md §9)
	maxBackward   = 3 * time.Second  // send time going back by more is another clock (asf.md §6)
	maxForward    = 10 * time.Minute // and so is this much of a gap forward
)

// header gives the stream its ASF header: the first, the same again, or a new one. b is the Header Object and the
// first 50 bytes of the Data Object. The same header (asf.md §7) lets the chain go on at the next key frame; another
// starts a generation.
func (s *source) header(b []byte) error {
	h, err := asf.ParseHeader(b)
	if err != nil {
		return err
	}
	s.header_ = h.Published()
	s.started, s.waiting = false, s.stream.clock.now()
	st := s.stream
	if g := st.chain.gen; st.up() != nil && g.header.Same(s.header_) {
		st.log.Info("source goes on with the same header", "source", s.kind, "from", s.who)
		st.setState(streamLive)
		return nil
	}
	s.begin()
	st.log.Info("stream is up", "source", s.kind, "from", s.who, "streams", len(h.Streams),
		"bitrate", h.Bitrate(), "packet_size", h.PacketSize, "header", len(h.Raw))
	if len(h.Raw) > compatibleHeader {
		st.log.Warn("header is larger than some players take", "bytes", len(h.Raw), "xine", 8192, "libmms", 16384)
	}
	return nil
}

// compatibleHeader is the largest ASF header that every known player accepts (asf.md §9).
const compatibleHeader = 8192

// resume goes on with the header that the stream has; the caller has seen that it is up.
func (s *source) resume() {
	st := s.stream
	s.header_, s.started, s.waiting = st.chain.gen.header, false, st.clock.now()
	st.setState(streamLive)
	st.log.Info("source goes on without a header", "source", s.kind, "from", s.who)
}

func (s *source) begin() {
	st := s.stream
	now := st.clock.now()
	st.joins.Store(st.chain.begin(newGeneration(s.header_), now))
	st.setState(streamLive)
	st.stats.generations.Add(1)
	st.bell(now)
}

// packet publishes one ASF data packet. A bad one is counted and dropped; errBadSource when that does not stop. Until
// the first key frame of a source nothing is published, so that every stretch of the chain starts with a picture.
func (s *source) packet(b []byte) error {
	if s.header_ == nil {
		return errNoHeader
	}
	st := s.stream
	p, err := s.header_.ParsePacket(b)
	if err != nil {
		st.stats.badPackets.Add(1)
		if s.bad++; s.bad >= maxBadPackets {
			return fmt.Errorf("%w: %d, the last: %w", errBadSource, s.bad, err)
		}
		return nil
	}
	s.bad = 0
	now := st.clock.now()
	if !s.started && !p.Join && now.since(s.waiting) < keyPatience {
		st.stats.skippedPackets.Add(1)
		return nil
	}
	if s.repeats(p.SendTime) {
		return nil
	}
	s.keepTime(p.SendTime)
	full, short := s.forms(b, p)
	st.joins.Store(st.chain.packet(full, short, p.Join, st.burst, now))
	st.stats.packetsIn.Add(1)
	st.stats.bytesIn.Add(uint64(len(b)))
	st.stats.lastPacket.Store(int64(now))
	st.bell(now)
	return nil
}

// repeats says whether a pull that came back is still in the burst that its upstream begins with: viewers have had those
// packets. An encoder that pushes never repeats; its clock may have started again.
func (s *source) repeats(send uint32) bool {
	st := s.stream
	if s.started || s.kind != sourcePull || st.chain.last.kind != packetElement {
		return false
	}
	d := time.Duration(int32(send-st.chain.sent)) * time.Millisecond
	return d <= 0 && d > -oldestJoin
}

// keepTime starts a generation when the send time jumps: players take that for damage within one stream (asf.md §6).
// Send time is a u32 of milliseconds, so the difference is taken modulo 2^32.
func (s *source) keepTime(send uint32) {
	st := s.stream
	if st.chain.last.kind == packetElement {
		d := time.Duration(int32(send-st.chain.sent)) * time.Millisecond
		if d < -maxBackward || d > maxForward {
			st.log.Info("send time jumped, starting a new generation", "by", d)
			s.begin()
		}
	}
	st.chain.sent, s.started = send, true
}

// forms copies a packet once into what viewers are sent: full for raw ASF, short for MMSH. They share their bytes when
// there is no padding to save.
func (s *source) forms(b []byte, p asf.Packet) (full, short []byte) {
	h := s.header_
	full = h.AppendFull(make([]byte, 0, h.PacketSize), b, p)
	if !s.stream.short {
		return full, full
	}
	if short = h.AppendShort(make([]byte, 0, len(b)+2), b, p); len(short) >= len(full) {
		return full, full
	}
	return full, short
}

// end tells the viewers that the stream is over and gives the claim up.
func (s *source) end() {
	st := s.stream
	if st.up() != nil {
		now := st.clock.now()
		st.joins.Store(nil) // first: whoever joins from here on would only be told the end
		st.chain.end(now)
		st.setState(streamIdle)
		st.log.Info("stream is over", "source", s.kind, "from", s.who)
		st.bell(now)
	}
	st.reg.release(s, false)
}

// lost gives the claim up while viewers stay for source_grace: encoders that lose the link return within seconds, and
// closing 5,000 viewers for that makes 5,000 reconnects.
func (s *source) lost(err error) {
	s.stream.log.Warn("source lost", "source", s.kind, "from", s.who, "err", err)
	s.stream.reg.release(s, true)
}

// yield gives the claim up to a newcomer; the stream does not notice.
func (s *source) yield() { s.stream.reg.release(s, true) }
