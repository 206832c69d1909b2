//go:build players

package e2e

import (
	"sync"
	"testing"
	"time"
)

// A staging is players that watch while a test does things to their source.
type staging struct {
	t     *testing.T
	all   []staged
	shows []chan *showing // by player; closed without a showing if it could not be started
	least time.Time       // until which they watch
	over  func()          // ends that
}

// A staged player opens a URL of this scheme.
type staged struct {
	player
	scheme string
}

// cut is how many frames may be damaged where the source breaks off: one of which only a part was sent. A player with a
// clock may then find itself late, and the frames damaged that depend on those it leaves out.
func (p staged) cut() int {
	if p.lossless {
		return 1
	}
	return frameRate
}

// keen are players that must not lose their stream: of MMSH, those that show every frame and one with a clock, and one
// of raw ASF.
var keen = []staged{{ffmpeg, "mmsh"}, {mpv, "mmsh"}, {vlc, "mmsh"}, {ffmpeg, "http"}}

// stageAll starts players that will watch for length, and until they are judged.
func stageAll(t *testing.T, m *mortal, stream string, length time.Duration, players ...staged) *staging {
	t.Helper()
	over := make(chan struct{})
	s := &staging{t: t, all: players, least: time.Now().Add(length), over: sync.OnceFunc(func() { close(over) })}
	for _, who := range players {
		for _, need := range who.programs {
			needProgram(t, need.program, need.debian)
		}
	}
	for _, who := range players {
		show := make(chan *showing, 1)
		s.shows = append(s.shows, show)
		go func() {
			defer close(show)
			show <- who.playUntil(t, m.url(who.scheme, stream), over, nil)
		}()
	}
	t.Cleanup(func() {
		s.over()
		for _, show := range s.shows {
			<-show // whatever has become of the test, they must have ended before it
		}
	})
	return s
}

// goOn is for how long players watch on when all has happened that is to happen.
const goOn = 5 * time.Second

// judge waits for the players and judges each.
func (s *staging) judge(c *clip, verdict func(staged, *showing) []string) (wrong []string) {
	s.t.Helper()
	<-time.After(max(time.Until(s.least), goOn))
	s.over()
	for i, who := range s.all {
		show := <-s.shows[i]
		if show == nil {
			continue // it has failed the test
		}
		name := who.name + " " + who.scheme
		faults := verdict(who, show)
		for _, text := range faults {
			wrong = append(wrong, name+": "+text)
		}
		if len(show.frames) > 0 {
			s.t.Logf("%s: first picture after %v, then %d frames, ended %v", name, show.frames[0].at, len(show.frames),
				show.ended)
		}
		if len(faults) > 0 {
			s.t.Logf("%s showed %s", name, describeFrames(show.frames, c))
			s.t.Log(show.excerpt(who.player))
		}
	}
	return wrong
}
