package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"pumpd/asf"
	"pumpd/server/clock"
	"pumpd/server/view"
)

// A Source is a stream's one writer, from Claim until End, Lost, Yield or Pause. Its methods belong to one goroutine (a
// push: its conn's loop; a pull or a file: its own).
type Source struct {
	// Set with the claim, never changed.
	stream *Stream
	claim  Claim
	since  clock.Instant // when it asked for the claim
	before string        // who let the stream go for it; "": nobody did

	// The source's goroutine only.
	state     sourceState
	published *asf.Header   // the header that its packets are parsed by; nil while headerless
	waiting   clock.Instant // since when a key frame is awaited
	anew      bool          // its header starts a generation, at its next packet
	wrote     bool          // a packet of this claim is in the chain
	steady    bool          // two packets running have had the same clock
	doubt     doubt         // the packet before, if its send time is not believed yet
	bad       int           // bad packets in a row
	tie       Tie           // what it is to the source before
	ended     bool          // it has said that it is over
	seen      *Element      // of a pull that came back: where in the chain its burst is
	scratch   []byte
	full      []byte
	changes   allowance
	restless  error // set: there were too many of them
	padding   allowance
}

// A Kind is how a source comes.
type Kind uint8

const (
	Push Kind = iota
	Pull
	File
	Slate // fills in for one that is away
)

const Kinds = Slate + 1 // how many there are

func (k Kind) String() string { return [...]string{"push", "pull", "file", "slate"}[k] }

// Kind says how the source comes.
func (s *Source) Kind() Kind { return s.claim.Kind }

// PushID is the one by which a push has come.
func (s *Source) PushID() string { return s.claim.PushID }

// Who is the source's address or URL, for people.
func (s *Source) Who() string { return s.claim.Who }

// Stream is what it feeds.
func (s *Source) Stream() *Stream { return s.stream }

// Published is the header that its packets are parsed by, as viewers get it; nil while it has given none.
func (s *Source) Published() *asf.Header { return s.published }

// A sourceState is how far a source is, from its claim until it gives that up.
type sourceState uint8

const (
	headerless sourceState = iota // has said nothing yet; then keyless
	keyless                       // its packets are left out until a key frame comes; then writing
	writing                       // its packets go into the chain; then keyless, at another $H or when the grace is over
)

var (
	ErrBusy      = errors.New("stream already has a source")
	ErrNoHeader  = errors.New("packet before a header")
	ErrBadSource = errors.New("too many bad packets in a row")
)

const maxBadPackets = 100 // in a row, then the source is given up (asf.md §9)

// Header gives the stream its ASF header: the first, the same again, or a new one. b is the Header Object and the
// first 50 bytes of the Data Object. A header is not a stream: viewers hear of it with the first packet behind it. The
// same header (asf.md §7) lets the chain go on there; another starts a generation.
func (s *Source) Header(b []byte) error {
	h, err := asf.ParseHeader(b)
	if err != nil {
		return err
	}
	st := s.stream
	if err := s.change(st.clock.Now()); err != nil {
		return err
	}
	s.published = h.Published()
	s.anew = st.joins.Load() == nil || !st.chain.gen.header.Same(s.published)
	s.awaitKey()
	if !s.anew {
		st.log.Info("source comes with the same header", "source", s.claim.Kind, "from", s.claim.Who)
	}
	if st.State() == Orphaned && (s.claim.Kind == Push || s.claim.Kind == Pull) { // others have packets too
		st.vain.Store(true)
	}
	return nil
}

// declare logs what a header says that viewers have not had.
func (s *Source) declare() {
	st, h := s.stream, s.published
	st.log.Info("stream is up", "source", s.claim.Kind, "from", s.claim.Who, "streams", len(h.Streams),
		"bitrate", h.Bitrate(), "packet_size", h.PacketSize, "header", len(h.Raw))
	r := st.chain.gen.reach.Load()
	if wait := r.slow(h.Preroll); wait > startDelay {
		st.log.Warn("players will wait for their picture: the preroll is longer than the burst", "preroll",
			milliseconds(h.Preroll),
			"burst", r.most)
	}
	if who := refusers(len(h.Raw)); who != "" {
		st.log.Warn("header is larger than some players take", "bytes", len(h.Raw), "players", who)
	}
}

// awaitKey makes the source's next packet its first: a new stretch of the chain starts with a picture.
func (s *Source) awaitKey() {
	s.state, s.tie, s.seen, s.waiting = keyless, TieUnknown, nil, s.stream.clock.Now()
	s.doubt, s.steady = doubt{}, false
}

// begin puts the header into the chain, just before a packet.
func (s *Source) begin() {
	st := s.stream
	now := st.clock.Now()
	st.vain.Store(false) // a packet follows, and viewers who see the header may ask for it at once
	st.chain.begin(newGeneration(s.published, st.tuning.Load().burst), now, st.joins.Store)
	st.stats.Generations.Add(1)
	st.bell(now)
}

// Packet publishes one ASF data packet. A bad one is counted and dropped; ErrBadSource when that does not stop. Until
// the first key frame of a source nothing is published, so that every stretch of the chain starts with a picture.
func (s *Source) Packet(b []byte) error {
	if s.state == headerless {
		return ErrNoHeader
	}
	p, err := s.published.ParsePacket(b)
	if err != nil {
		s.spoil()
		return s.spent(err)
	}
	now := s.stream.clock.Now()
	if s.repeats(b, p, now) {
		return nil
	}
	switch s.judge(p, now) {
	case early:
		s.stream.stats.SkippedPackets.Add(1)
		return nil
	case doubtful:
		s.doubt = doubt{b: bytes.Clone(b), p: p, at: now}
		return s.spent(errDoubt)
	case confirmed:
		d := s.doubt
		s.doubt = doubt{}
		if err := s.write(d.b, d.p, d.at); err != nil {
			return err
		}
	}
	if err := s.write(b, p, now); err != nil {
		return err
	}
	s.stream.bell(now)
	return nil
}

// spoil counts a packet that is dropped because it is damaged.
func (s *Source) spoil() {
	s.stream.stats.BadPackets.Add(1)
	s.bad++
}

// spent is ErrBadSource after too many such, of which err is the last.
func (s *Source) spent(err error) error {
	if s.bad >= maxBadPackets {
		return fmt.Errorf("%w: %d, the last: %w", ErrBadSource, s.bad, err)
	}
	return nil
}

// write puts a packet into the chain that came at that moment, with times that fit there.
func (s *Source) write(b []byte, p asf.Packet, at clock.Instant) error {
	if err := s.pad(len(b), at); err != nil {
		return err
	}
	s.bad = 0
	begins := s.state == keyless
	if s.anew {
		s.anew = false
		s.begin()
		s.declare()
	}
	s.keepTime(p, at)
	s.stream.chain.by = s.claim.Kind
	if s.restless != nil {
		return s.restless
	}
	b, err := s.shifted(b)
	if err != nil {
		s.spoil()
		return nil
	}
	if begins { // what its older video continues was left out
		b, p = trimmed(s.published, b, p)
	}
	s.publish(b, p, at)
	return nil
}

// publish appends a packet to the chain.
func (s *Source) publish(b []byte, p asf.Packet, now clock.Instant) {
	st := s.stream
	if t := st.tuning.Load(); st.chain.tuning != t {
		st.chain.tuning = t
		st.chain.gen.reachBy(t.burst)
	}
	keep := packing{s.published, st.chain.tuning.short}
	o := keep.opening(b, p, st.chain.gen)
	full, short := keep.forms(b, p)
	room := !st.chain.full
	st.joins.Store(st.chain.packet(full, short, p.Join, o, now))
	if st.chain.full && room {
		st.log.Warn("players will wait for their picture: the burst would be too large", "burst",
			st.chain.gen.reach.Load().most, "limit_mb", farthestJoin>>20, "limit_key_frames", maxBurstEntries)
	}
	if s.claim.Kind != Slate { // it would hide that nothing is received
		st.stats.received(len(b), now)
	}
	if !s.wrote {
		s.goLive()
	}
}

// End tells the viewers that the stream is over and gives the claim up.
func (s *Source) End() {
	s.stream.finish(s.claim.Kind.String(), s.claim.Who)
	s.stream.reg.release(s, false)
}

// finish tells the viewers that the stream is over, and the log who says so.
func (st *Stream) finish(kind, who string) {
	if st.joins.Load() == nil {
		return
	}
	now := st.clock.Now()
	st.joins.Store(nil) // first: whoever joins from here on would only be told the end
	st.chain.end(now)
	st.setState(Idle)
	st.reg.finished.Add(1)
	st.log.Info("stream is over", "source", kind, "from", who)
	st.bell(now)
}

// Over is for a source that has said that it is over, before Lost or Yield: viewers wait for less then.
func (s *Source) Over() { s.ended = true }

// Lost gives the claim up while viewers stay for source_grace: encoders that lose the link return within seconds, and
// closing 5,000 viewers for that makes 5,000 reconnects.
func (s *Source) Lost(err error) {
	s.stream.log.Warn("source lost", "source", s.claim.Kind, "from", s.claim.Who, "err", err)
	loss := Loss{Kind: s.claim.Kind, Who: s.claim.Who, Error: view.NewError(err, "", s.stream.clock.Now())}
	s.stream.loss.Store(&loss)
	s.stream.reg.release(s, true)
}

// A Loss is how a source was lost.
type Loss struct {
	Kind Kind
	Who  string
	view.Error
}

// ErrFollowed is the cause of the end of a source's context where another source is to follow it.
var ErrFollowed = errors.New("another source follows")

// Leave gives the claim up for good, for a source that goes on as long as ctx: where another follows it viewers wait,
// else the stream is over.
func (s *Source) Leave(ctx context.Context) {
	if errors.Is(context.Cause(ctx), ErrFollowed) {
		s.Yield()
		return
	}
	s.End()
}

// TookOver logs that a source that waited to inherit has the claim, and whose it was.
func (s *Source) TookOver() {
	s.stream.log.Info("source takes the stream over", "source", s.claim.Kind, "from", s.claim.Who, "replaces", s.before)
}

// Yield gives the claim up to a newcomer, or when the server ends; the stream does not notice.
func (s *Source) Yield() { s.stream.reg.release(s, true) }

// Heard is when its last packet came. One that has just begun is not silent: for it, that is when it asked for the
// claim.
func (s *Source) Heard() clock.Instant {
	return max(clock.Instant(s.stream.stats.lastPacket.Load()), s.since)
}
