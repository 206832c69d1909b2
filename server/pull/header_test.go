package pull

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/stream"
)

// Upstreams that answer with $H and nothing more: one that feeds no more, two of them, one that says so again and
// again.
func TestPullBackWithHeaderOnly(t *testing.T) {
	packets := [][]byte{framed1, framed2}
	again := func(then script) script { // packets the first time, then the header only
		played := false
		return func(c *call) {
			if c.play && !played {
				played = true
				wms(packets, noEnd)(c)
				return
			}
			wms(nil, then)(c)
		}
	}
	for name, hosts := range map[string]map[string]script{
		"and holds":        {hostA: again((*call).hold)},
		"and hangs up":     {hostA: again(noEnd)},
		"and ends":         {hostA: again(orderlyEnd)},
		"two, both hold":   {hostA: again((*call).hold), hostB: wms(nil, (*call).hold)},
		"two, both end":    {hostA: again(orderlyEnd), hostB: wms(nil, orderlyEnd)},
		"two, one of each": {hostA: again(orderlyEnd), hostB: wms(nil, (*call).hold)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				urls := []string{urlA, urlB}[:len(hosts)]
				s := newScene(t, urls...)
				maps.Copy(s.hosts, hosts)
				stop := s.start()
				defer stop()
				var up time.Duration
				for range 240 {
					time.Sleep(250 * time.Millisecond)
					s.reg.Reap(s.st.Clock().Now())
					if s.st.Joins() != nil {
						up += 250 * time.Millisecond
					}
				}
				synctest.Wait()
				if up < 29*time.Second || up > 33*time.Second || s.st.State() != stream.Idle || s.st.Up() != nil {
					t.Errorf("viewers were kept for %v of a minute, then the stream is %v; want 30s and idle", up, s.st.State())
				}
			})
		})
	}
}

// largeHeader is a show's with an object that nobody knows, n bytes in all.
func largeHeader(n int) []byte {
	le := binary.LittleEndian
	h := asftest.Header(showSize, 320)
	more := asftest.Object([]byte("nobody knows me."), make([]byte, n-len(h)-24))
	le.PutUint64(h[16:], le.Uint64(h[16:])+uint64(len(more)))
	le.PutUint32(h[24:], le.Uint32(h[24:])+1)
	return slices.Insert(h, len(h)-50, more...)
}

// A header of MaxHeader bytes is taken, and none larger; the one that is taken is warned of.
func TestPullHeaderTooLarge(t *testing.T) {
	for _, n := range []int{asf.MaxHeader, asf.MaxHeader + 1, 200_000} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, urlA)
			s.hosts[hostA] = func(c *call) {
				framed := codec.AppendHeader(nil, largeHeader(n)) // in fragments
				if !c.play {
					c.say(fmt.Appendf(nil, wmsDescribe, len(framed), framed))
				} else {
					c.say([]byte(wmsPlay), framed, dataFrame('D', 0, 0, asftest.Packet(0, 0, true, showSize, 60)))
					c.hold()
				}
			}
			stop := s.start()
			defer stop()
			synctest.Wait()
			if up := s.st.Up() != nil; up != (n <= asf.MaxHeader) {
				t.Errorf("pull of %d bytes: up %v, log %q", n, up, s.log.Text())
			}
			all := s.log.Text()
			if want := "limit 65"; n > asf.MaxHeader && !strings.Contains(all, want) {
				t.Errorf("pull of %d bytes: no %q in %s", n, want, all)
			}
			if n == asf.MaxHeader && !strings.Contains(all, "VLC (65524), FFmpeg (65524)") {
				t.Errorf("nobody is warned: %s", all)
			}
		})
	}
}
