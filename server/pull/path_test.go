package pull

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What the upstream says of its path is passed on; the path of one that was refused is not.
func TestPullLearnsThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, urlA, urlB), newShow()
		const behind = "1.0 pumpd-0123456789abcdef, 1.1 proxy"
		circle := fmt.Sprintf("1.0 pumpd-fedcba9876543210, 1.0 %s", string(s.puller.Name))
		s.hosts[hostA] = w.relay(relay{via: circle})
		s.hosts[hostB] = w.relay(relay{via: behind, burst: burst3, away: []span{{10 * time.Second, 12 * time.Second}}})
		stop := s.start()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if path := s.st.Via(); path == nil || *path != behind {
			t.Errorf("path %v, want %q", path, behind)
		}
		if n := s.log.Count("WARN upstream failed from=mmsh://a.example/x err=upstream gets its stream from " +
			"this pump"); n != 1 {
			t.Errorf("told %d times of the circle: %q", n, s.log.Text())
		}
		s.change(hostB, w.relay(relay{burst: burst3}))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if path := s.st.Via(); path == nil || *path != "" {
			t.Errorf("path %v when the upstream is no pump any more, want none", path)
		}
		stop()
	})
}

// Two pumps that have nothing but each other find that out: what a pump last asked is behind it, though it said no.
func TestPumpsWithoutSourceAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, urlA)
		s.hosts[hostA] = func(c *call) {
			c.say([]byte("HTTP/1.0 503 Service Unavailable\r\nVia: 1.0 pumpd-0123456789abcdef\r\n\r\n"))
		}
		if err := s.once(); err == nil || !strings.Contains(err.Error(), "upstream answers 503") {
			t.Errorf("%v, want the 503", err)
		}
		want := "1.0 " + string(s.puller.Name) + ", 1.0 pumpd-0123456789abcdef"
		if got := s.puller.Name.Field(s.st.Via()); got != want {
			t.Errorf("path %q, want %q", got, want)
		}
	})
}
