package pull

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/play"
)

// newSlated has a stream whose slate is a file with this header; the slate's packets have numbers from 1,000,000 on.
func newSlated(t *testing.T, r relay, width uint32) (s *scene, w *show, start func() (stop func())) {
	file := asftest.Header(showSize, width)
	file[bytes.Index(file, asftest.GUIDFile)+88] = 0 // not a broadcast
	for i := range 10 * showGroup {
		file = append(file, asftest.Packet(uint32(1_000_000+i), uint32(i*40), i%showGroup == 0, showSize, 60)...)
	}
	name := filepath.Join(t.TempDir(), "slate.asf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s = newSceneOf(t, config.Stream{URL: urlA, Slate: name, SlateAfter: config.Duration(3 * time.Second)})
	w = newShow()
	r.burst = burst3
	s.hosts[hostA] = w.relay(r)
	return s, w, func() func() {
		stopPull := s.start()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			play.RunSlate(ctx, s.st, nil, nil)
		}()
		return func() {
			stopPull()
			cancel()
			<-done
		}
	}
}

func isSlate(n int) bool { return n >= 1_000_000 }

// The slate plays while the upstream is away, be it lost or only silent, and ends at its first key frame.
func TestPullAndSlate(t *testing.T) {
	away := []span{{20 * time.Second, 30 * time.Second}}
	for _, tt := range []struct {
		name string
		relay
		width uint32 // of the slate; 320 is that of the upstream
	}{
		{"lost, comes back between key frames", relay{away: away, middle: true}, 640},
		{"lost", relay{away: away}, 640},
		{"silent", relay{silent: away}, 640},
		{"lost, same header", relay{away: away}, 320},
		{"silent, same header", relay{silent: away}, 320},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w, start := newSlated(t, tt.relay, tt.width)
				stop := start()
				time.Sleep(60*time.Second - time.Since(w.begin))
				stop()
				p := s.published()
				all := slices.Concat(p.numbers...)
				begin := slices.IndexFunc(all, isSlate)
				if begin < 0 {
					t.Fatalf("no slate in %v", p.numbers)
				}
				end := begin + slices.IndexFunc(all[begin:], func(n int) bool { return !isSlate(n) })
				if end < begin || slices.ContainsFunc(all[end:], isSlate) {
					t.Fatalf("published %v, want the slate once", p.numbers)
				}
				if wait := p.at[begin].Since(p.at[begin-1]); wait < 3*time.Second || wait > 4*time.Second {
					t.Errorf("the slate began %v after the last packet, want slate_after", wait)
				}
				if late := p.at[end].Since(clock.Instant(30 * time.Second)); late > 5*time.Second || all[end]%showGroup != 0 {
					t.Errorf("the slate ended %v after the upstream was back, with packet %d, want a key frame", late, all[end])
				}
				if gap := p.at[end].Since(p.at[end-1]); gap > 3*showStep {
					t.Errorf("the slate ended %v before the upstream's key frame", gap)
				}
				p.prompt(t, 4*time.Second)
				wantGenerations := 3
				if tt.width == 320 {
					wantGenerations = 1
					p.unbroken(t, 4*time.Second)
				}
				if len(p.numbers) != wantGenerations {
					t.Errorf("%d generations, want %d", len(p.numbers), wantGenerations)
				}
			})
		})
	}
}

// A silence that is shorter than slate_after, and one in which no slate came, leaves nothing out.
func TestPullSilentWithoutSlate(t *testing.T) {
	for _, silence := range []time.Duration{2 * time.Second, 3100 * time.Millisecond, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s, w := newSceneOf(t, config.Stream{URL: urlA, Slate: config.SlateBuiltin,
				SlateAfter: config.Duration(3 * time.Second),
				OnDemand:   true}), newShow()
			from := 20*time.Second + 5*showStep // between two key frames
			s.hosts[hostA] = w.relay(relay{burst: burst3, silent: []span{{from, from + silence}}})
			s.come()
			s.play(40*time.Second).exact(t, w, silence+showStep)
			if n := s.log.Count("WARN upstream is silent"); n > 1 {
				t.Errorf("told %d times of one silence", n)
			}
			if got := s.requests(); len(got) != 2 {
				t.Errorf("asked %q, want one Describe and Play", got)
			}
		})
	}
}
