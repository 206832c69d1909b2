package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"pumpd/server/stream"
)

// readyz says after the server's state whether it lacks room for ready_headroom viewers, which streams a viewer can
// have, one a line, in what condition, and which of ready_streams have no source. Others do not make the server
// unready: their encoders come by this server.
func (a *Admin) readyz(w http.ResponseWriter, _ *http.Request) {
	code, text := http.StatusOK, a.s.crowded()
	missing, streams := a.s.streamsUp()
	missing = missing || text != ""
	state := a.s.state()
	if missing || state != serverReady {
		code = http.StatusServiceUnavailable
	}
	word := state.String()
	if missing && state == serverReady {
		word = "not ready"
	}
	plain(w, code, word+"\n"+text+streams)
}

// streamsUp says which streams a viewer can have, and whether one of ready_streams is not among them.
func (s *Subject) streamsUp() (missing bool, text string) {
	for _, st := range s.Streams.Streams() {
		c := feedOf(st).condition
		switch {
		case s.minds(st) && !fine(st, c):
			missing = true
			text += fmt.Sprintf("down %s %s\n", st.Config().Path, c)
		case st.Up() != nil:
			text += fmt.Sprintf("up %s %s\n", st.Config().Path, c)
		}
	}
	return missing, text
}

// minds says whether a stream is one of ready_streams.
func (s *Subject) minds(st *stream.Stream) bool {
	is := func(path string) bool { return strings.EqualFold(path, st.Config().Path) }
	return slices.ContainsFunc(s.Config().ReadyStreams, is)
}

// fine says that nothing is wrong for whoever minds a stream in that condition. One on demand may be at rest.
func fine(st *stream.Stream, c condition) bool {
	return c == conditionLive || c == conditionIdle && st.Config().OnDemand
}
