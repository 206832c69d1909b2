//go:build players

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// as is the pump in the URLs of a viewer with a password.
func (p *pump) as(name, password string) *pump {
	return &pump{process: p.process, addr: name + ":" + password + "@" + p.addr}
}

// Who can watch what not everybody may: docs/access.md has the same as a table.
func TestPlayForSome(t *testing.T) {
	c, err := demoClip()
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); !strings.Contains(string(body), `"query":"token=7"`) {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer service.Close()
	p := startPump(t, "", private("users", byUsers(viewerPassword))+private("hash", byUsers(viewerHash))+
		private("keys", byKeys)+private("asked", "auth_url = \""+service.URL+"\""))
	url := signed(t, "keys")
	waitLive(t, p.addr, streamPath(url))
	settle(t, p, url)
	ann := p.as(viewerName, viewerPassword)
	// One after another: there are many.
	t.Run("password", func(t *testing.T) {
		play(t, ann, "http", "users", c, true, rawPlayers)
		play(t, ann, "mmsh", "users", c, true, []player{mplayer})
	})
	t.Run("hash", func(t *testing.T) {
		play(t, ann, "http", "hash", c, true, []player{gstreamer, ffmpeg, vlc})
		play(t, ann, "mmsh", "hash", c, true, []player{mplayer})
	})
	t.Run("signed", func(t *testing.T) { play(t, p, "mmsh", url, c, true, mmshPlayers) })
	t.Run("signed raw", func(t *testing.T) { play(t, p, "http", url, c, true, rawPlayers) })
	t.Run("callback", func(t *testing.T) { play(t, p, "mmsh", "asked?token=7", c, true, []player{ffmpeg, vlc, libmms}) })
	t.Run("no password over MMSH", func(t *testing.T) {
		outside(t, ann.url("mmsh", "users"), []player{ffmpeg, mpv, vlc, libmms, xine})
	})
	t.Run("expired", func(t *testing.T) {
		late := signed(t, "keys", "-for", "1s")
		time.Sleep(2 * time.Second) // the URL says whole seconds
		outside(t, p.url("mmsh", late), mmshPlayers)
	})
}

// outside lets players try what they cannot or may not: they show nothing.
func outside(t *testing.T, url string, players []player) {
	const length = 5 * time.Second
	for _, who := range players {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			if show := who.play(t, url, length); len(show.frames) > 0 {
				t.Errorf("it shows %d pictures\n%s", len(show.frames), show.excerpt(who))
			}
		})
	}
}
