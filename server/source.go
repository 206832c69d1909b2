package server

import (
	"errors"
	"fmt"

	"pumpd/asf"
)

// A source is a stream's one writer, from claim until end, lost or yield. Its methods belong to one goroutine (a push:
// its conn's loop; a pull or a file: its own).
type source struct {
	// Set by claim, never changed.
	stream *stream
	kind   sourceKind
	who    string  // for the log and the status page: an address or a URL
	since  instant // of a push: when it asked for the claim
	pusher pusher  // of a push
	before string  // who let the stream go for it; "": nobody did
	evict  func()  // asks the holder to give the claim up soon; nil: it will not. Called under the registry's mutex

	// The source's goroutine only.
	state     sourceState
	published *asf.Header // the header that its packets are parsed by; nil while headerless
	waiting   instant     // since when a key frame is awaited
	bad       int         // bad packets in a row
	tie       tie         // what it is to the source before
	ended     bool        // it has said that it is over
	seen      *element    // of a pull that came back: where in the chain its burst is
	scratch   []byte
	full      []byte
	changes   allowance
	restless  error // set: there were too many of them
	padding   allowance
}

type sourceKind uint8

const (
	sourcePush sourceKind = iota
	sourcePull
	sourceFile
	sourceSlate  // fills in for one that is away
	sourceReaper // ends a stream whose grace is over
)

func (k sourceKind) String() string { return [...]string{"push", "pull", "file", "slate", "reaper"}[k] }

// A sourceState is how far a source is, from its claim until it gives that up.
type sourceState uint8

const (
	headerless sourceState = iota // has said nothing yet; then keyless
	keyless                       // its packets are left out until a key frame comes; then writing
	writing                       // its packets go into the chain; then keyless, at another $H
)

var (
	errBusy      = errors.New("stream already has a source")
	errNoHeader  = errors.New("packet before a header")
	errBadSource = errors.New("too many bad packets in a row")
)

const maxBadPackets = 100 // in a row, then the source is given up (asf.md §9)

// header gives the stream its ASF header: the first, the same again, or a new one. b is the Header Object and the
// first 50 bytes of the Data Object. The same header (asf.md §7) lets the chain go on at the next key frame; another
// starts a generation.
func (s *source) header(b []byte) error {
	h, err := asf.ParseHeader(b)
	if err != nil {
		return err
	}
	st := s.stream
	if err := s.change(st.clock.now()); err != nil {
		return err
	}
	s.published = h.Published()
	s.awaitKey()
	if g := st.chain.gen; st.up() != nil && g.header.Same(s.published) {
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

// awaitKey makes the source's next packet its first: a new stretch of the chain starts with a picture.
func (s *source) awaitKey() {
	s.state, s.tie, s.seen, s.waiting = keyless, tieUnknown, nil, s.stream.clock.now()
}

func (s *source) begin() {
	st := s.stream
	now := st.clock.now()
	st.chain.begin(newGeneration(s.published), now, st.joins.Store)
	st.setState(streamLive)
	st.stats.generations.Add(1)
	st.bell(now)
}

// packet publishes one ASF data packet. A bad one is counted and dropped; errBadSource when that does not stop. Until
// the first key frame of a source nothing is published, so that every stretch of the chain starts with a picture.
func (s *source) packet(b []byte) error {
	if s.state == headerless {
		return errNoHeader
	}
	st := s.stream
	p, err := s.published.ParsePacket(b)
	if err != nil {
		st.stats.badPackets.Add(1)
		if s.bad++; s.bad >= maxBadPackets {
			return fmt.Errorf("%w: %d, the last: %w", errBadSource, s.bad, err)
		}
		return nil
	}
	s.bad = 0
	now := st.clock.now()
	if s.repeats(b, p, now) {
		return nil
	}
	if s.state == keyless && !p.Join && now.since(s.waiting) < keyPatience {
		st.stats.skippedPackets.Add(1)
		return nil
	}
	if err := s.pad(len(b), now); err != nil {
		return err
	}
	begins := s.state == keyless
	s.keepTime(p, now)
	if s.restless != nil {
		return s.restless
	}
	if b, err = s.shifted(b); err != nil {
		st.stats.badPackets.Add(1)
		return nil
	}
	if begins { // what its older video continues was left out
		b, p = s.trimmed(b, p)
	}
	s.publish(b, p, now)
	return nil
}

// publish appends a packet to the chain.
func (s *source) publish(b []byte, p asf.Packet, now instant) {
	st := s.stream
	var o *opening
	if p.Older != asf.NoOlder {
		full, short := s.forms(s.trimmed(b, p))
		o = newOpening(p.Older, st.chain.gen, full, short)
	}
	full, short := s.forms(b, p)
	st.joins.Store(st.chain.packet(full, short, p.Join, o, st.burst, now))
	if s.kind != sourceSlate { // it would hide that nothing is received
		st.stats.received(len(b), now)
	}
	st.bell(now)
}

// trimmed is a packet to start with: without the video before its key frame.
func (s *source) trimmed(b []byte, p asf.Packet) ([]byte, asf.Packet) {
	if p.Older == asf.NoOlder {
		return b, p
	}
	t := s.published.AppendTrimmed(nil, b, p)
	parsed, err := s.published.ParsePacket(t)
	if err != nil {
		return b, p
	}
	return t, parsed
}

// forms copies a packet once into what viewers are sent: full for raw ASF, short for MMSH. They share their bytes when
// there is no padding to save.
func (s *source) forms(b []byte, p asf.Packet) (full, short []byte) {
	h := s.published
	full = h.AppendFull(make([]byte, 0, h.PacketSize), b, p)
	if !s.stream.short {
		return full, full
	}
	if short = h.AppendShort(make([]byte, 0, len(b)+2), b, p); len(full)-len(short) < leastPadding {
		return full, full
	}
	return full, short
}

// leastPadding is what must be saved for a short form: FFmpeg warns of what is left when it puts 1 to 5 bytes back.
const leastPadding = 6

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

// tookOver tells who has replaced whom.
func (s *source) tookOver() {
	s.stream.log.Info("source takes the stream over", "source", s.kind, "from", s.who, "replaces", s.before)
}

// yield gives the claim up to a newcomer, or when the server ends; the stream does not notice.
func (s *source) yield() { s.stream.reg.release(s, true) }
