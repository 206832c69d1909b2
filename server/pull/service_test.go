package pull

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/upstream/upstreamtest"
)

// The records are looked up for each connection; what does not answer is passed over.
func TestPullFromService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newScene(t, "srv:_mmsh._tcp.example.org/x"), newShow()
		type resolver func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
		var records atomic.Value
		records.Store(resolver(upstreamtest.Service("gone.example.:80", "b.example.:80", "a.example.:80")))
		s.puller.Dialer.LookupSRV = func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
			return records.Load().(resolver)(ctx, service, proto, name)
		}
		s.hosts[hostB] = func(c *call) { c.say([]byte("HTTP/1.0 404 Not Found\r\n\r\n")) }
		s.hosts[hostA] = w.relay(relay{burst: burst3, away: []span{{10 * time.Second, 11 * time.Second}}})
		s.come()
		stop := s.start()
		time.Sleep(9 * time.Second)
		want := []string{"gone.example:80 refused", hostB + " describe", hostA + " describe", hostA + " play"}
		if got := s.requests(); !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
		records.Store(resolver(upstreamtest.Service("c.example.:8086")))
		s.change("c.example:8086", w.relay(relay{burst: burst3}))
		time.Sleep(10 * time.Second)
		stop()
		s.published().exact(t, w, time.Second)
		if got := s.requests(); !slices.Equal(got, append(want, "c.example:8086 describe", "c.example:8086 play")) {
			t.Errorf("asked %q", got)
		}
	})
}

func TestPullFromServiceThatIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, "srv:_mmsh._tcp.example.org/x")
		broken := errors.New("no such host")
		s.puller.Dialer.LookupSRV = func(context.Context, string, string, string) (string, []*net.SRV, error) {
			return "", nil, broken
		}
		if err := s.once(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "_mmsh._tcp.example.org") {
			t.Errorf("%v, want %v and the name", err, broken)
		}
	})
}
