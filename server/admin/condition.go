package admin

import (
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/view"
)

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
	fed       bool        // somebody does, the slate included
	kind      stream.Kind // of fed
	from      string      // of fed: an address, a URL without credentials, a file or, of the slate, builtin
}

// feedOf looks at a stream from any goroutine.
func feedOf(st *stream.Stream) (f feed) {
	f.kind, f.from, f.fed = st.Feeder()
	f.condition = f.judge(st)
	return f
}

// own says that the stream's own source feeds it, and not the slate.
func (f feed) own() bool { return f.fed && f.kind != stream.Slate }

// judge finds the condition of a stream that is fed so.
func (f feed) judge(st *stream.Stream) condition {
	age, heard := st.Silence()
	switch {
	case f.own() && heard && age < patienceWith(st):
		return conditionLive
	case broken(st, f.own()):
		return conditionFailed
	case f.own():
		return conditionSilent
	case f.fed:
		return conditionSlate
	case st.State() == stream.Orphaned:
		return conditionOrphaned
	}
	return conditionIdle
}

// broken says that what should feed the stream has failed altogether and that nothing but itself can mend it; own:
// something of its own does feed it.
func broken(st *stream.Stream, own bool) bool {
	switch st.Config().Type {
	case config.TypeFile:
		return !own
	case config.TypePull:
		views := st.Upstreams()
		return views != nil && allFailed(views)
	}
	return false
}

// word is what feeds the stream, none where nobody does.
func (f feed) word() string {
	if !f.fed {
		return "none"
	}
	return f.kind.String()
}

// up says that the stream's own source feeds it and packets come.
func (f feed) up() bool { return f.condition == conditionLive }

const (
	quietTime    = 3 * time.Second
	longestQuiet = 15 * time.Second
)

// patienceWith is the time without packets after which a source is called silent: four packets at the declared rate,
// for there are streams with one every few seconds.
func patienceWith(st *stream.Stream) time.Duration {
	h := st.Header()
	if st.Up() == nil || h == nil || h.Bitrate() == 0 {
		return quietTime
	}
	four := 4 * 8 * time.Duration(h.PacketSize) * time.Second / time.Duration(h.Bitrate())
	return min(max(quietTime, four), longestQuiet)
}

// allFailed says that every upstream has failed when it was asked last, and that none of them has anything. One that is
// being asked again is not better for that.
func allFailed(views []view.Upstream) bool {
	for _, v := range views {
		has := v.State == view.Feeding || v.State == view.Standby || v.State == view.Returning
		if has || v.Failures == 0 {
			return false
		}
	}
	return true
}
