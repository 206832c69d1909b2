package server

import "time"

// A condition is what an operator is to make of a stream, in one word. Its state does not say that: a stream that its
// slate feeds is live for viewers, and its encoder is lost.
type condition uint8

const (
	conditionIdle     condition = iota // nobody feeds it, nor has to: no encoder yet, no viewer on demand
	conditionLive                      // its own source feeds it: a push, a pull or a file
	conditionSilent                    // its source is connected and sends nothing
	conditionSlate                     // its source is away and its slate plays
	conditionOrphaned                  // its source is lost and viewers wait for it
	conditionFailed                    // every upstream has failed, or its file does not play; the slate may
)

func (c condition) String() string {
	return [...]string{"idle", "live", "silent", "slate", "orphaned", "failed"}[c]
}

// A feed is who feeds a stream and how that goes, at one moment.
type feed struct {
	condition condition
	source    *source // holds the claim, the slate too; nil: nobody does
}

// feed looks from any goroutine.
func (st *stream) feed() feed {
	f := feed{source: st.reg.owned(st)}
	if f.source != nil && f.source.kind == sourceReaper {
		f.source = nil
	}
	f.condition = st.conditionOf(f.source)
	return f
}

func (st *stream) conditionOf(s *source) condition {
	own := s != nil && s.kind != sourceSlate
	age, heard := st.silence()
	switch {
	case own && heard && age < st.quiet():
		return conditionLive
	case st.forsaken(own):
		return conditionFailed
	case own:
		return conditionSilent
	case s != nil:
		return conditionSlate
	case st.currentState() == streamOrphaned:
		return conditionOrphaned
	}
	return conditionIdle
}

// forsaken says that what should feed the stream has failed altogether and that nothing but itself can mend it.
func (st *stream) forsaken(own bool) bool {
	switch st.cfg.Type {
	case typeFile:
		return !own
	case typePull:
		views := st.upstreams.Load()
		return views != nil && allFailed(*views)
	}
	return false
}

// kind is the word for what feeds the stream.
func (f feed) kind() string {
	if f.source == nil {
		return "none"
	}
	return f.source.kind.String()
}

// up says that the stream's own source feeds it.
func (f feed) up() bool { return f.condition == conditionLive }

const (
	quietTime    = 3 * time.Second
	longestQuiet = 15 * time.Second
)

// quiet is the time without packets after which a source is called silent: four packets at the declared rate, for there
// are streams with one every few seconds.
func (st *stream) quiet() time.Duration {
	j := st.up()
	if j == nil || j.gen.header.Bitrate() == 0 {
		return quietTime
	}
	h := j.gen.header
	four := 4 * 8 * time.Duration(h.PacketSize) * time.Second / time.Duration(h.Bitrate())
	return min(max(quietTime, four), longestQuiet)
}
