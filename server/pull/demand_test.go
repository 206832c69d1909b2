package pull

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
)

func newDemand(t *testing.T) (*scene, *show) {
	s := newSceneOf(t, config.Stream{URL: urlA, OnDemand: true, IdleClose: config.Duration(30 * time.Second)})
	w := newShow()
	s.hosts[hostA] = w.relay(relay{burst: burst3})
	return s, w
}

// come and leave are a viewer's.
func (s *scene) come() {
	s.st.Stats().Viewers.Add(1)
	s.st.Want()
}

func (s *scene) leave() { s.st.Stats().Viewers.Add(-1) }

// fed lets time pass and says whether there was a source all the time, or never.
func (s *scene) fed(d time.Duration) (always, never bool) {
	always, never = true, true
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		fed := s.st.Writer() != nil
		always, never = always && fed, never && !fed
	}
	return always, never
}

func TestPullOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newDemand(t)
		stop := s.start()
		time.Sleep(time.Hour)
		if got := s.requests(); len(got) > 0 {
			t.Fatalf("asked %q, and nobody watches", got)
		}
		s.st.Stats().Held.Add(1) // a viewer waits
		s.st.Want()
		synctest.Wait()
		if s.st.State() != stream.Live {
			t.Fatalf("state %v when somebody waits, want live", s.st.State())
		}
		s.come()
		s.st.Stats().Held.Add(-1)
		if always, _ := s.fed(10 * time.Minute); !always {
			t.Error("the source went away while somebody watched")
		}
		s.leave()
		if always, _ := s.fed(29 * time.Second); !always {
			t.Error("the source went away before idle_close")
		}
		s.come()
		if always, _ := s.fed(time.Minute); !always {
			t.Error("the source went away from somebody who came in time")
		}
		s.leave()
		time.Sleep(32 * time.Second)
		if _, never := s.fed(time.Hour); !never || s.st.State() != stream.Idle || s.st.Up() != nil {
			t.Errorf("state %v when nobody has watched for idle_close, want idle", s.st.State())
		}
		if got := s.requests(); len(got) != 2 {
			t.Errorf("asked %q, want one Describe and Play", got)
		}
		s.come()
		synctest.Wait()
		if s.st.State() != stream.Live {
			t.Error("it does not come again")
		}
		stop()
		if s.st.State() != stream.Idle {
			t.Errorf("state %v at the end", s.st.State())
		}
	})
}

// A sign without a viewer, which one who has left again leaves behind, is none.
func TestOnDemandOldSign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newDemand(t)
		s.st.Want()
		stop := s.start()
		time.Sleep(time.Minute)
		if got := s.requests(); len(got) > 0 {
			t.Errorf("asked %q, and nobody watches", got)
		}
		stop()
	})
}

// While nobody watches nothing is tried; who comes is not made to wait for a pause between tries.
func TestOnDemandFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newDemand(t)
		s.change(hostA, nil)
		stop := s.start()
		s.come()
		time.Sleep(10 * time.Minute)
		s.leave()
		time.Sleep(31 * time.Second)
		tries := len(s.requests())
		time.Sleep(time.Hour)
		if got := len(s.requests()); got != tries {
			t.Errorf("%d tries while nobody watched", got-tries)
		}
		s.come()
		time.Sleep(20 * time.Second)
		s.leave()
		time.Sleep(40 * time.Second)
		s.change(hostA, w.relay(relay{burst: burst3}))
		s.come()
		synctest.Wait()
		if s.st.State() != stream.Live {
			t.Error("who comes waits for the next try")
		}
		stop()
	})
}

// An upstream that is lost while nobody watches any more ends like any other.
func TestOnDemandLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newDemand(t)
		stop := s.start()
		s.come()
		time.Sleep(10 * time.Second)
		s.leave()
		time.Sleep(20 * time.Second)
		s.change(hostA, nil)
		s.hang()
		time.Sleep(time.Minute)
		synctest.Wait()
		s.reg.Reap(s.st.Clock().Now())
		if s.st.State() != stream.Idle || s.st.Writer() != nil {
			t.Errorf("state %v, want idle", s.st.State())
		}
		stop()
	})
}

// An upstream that says nothing is let go in time, too.
func TestOnDemandSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newDemand(t)
		var closed atomic.Int64
		s.hosts[hostA] = func(c *call) {
			c.hold()
			closed.Store(int64(time.Since(w.begin)))
		}
		stop := s.start()
		s.come()
		time.Sleep(10 * time.Second)
		s.leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		if after := time.Duration(closed.Load()); after < 39*time.Second || after > 42*time.Second {
			t.Errorf("let go for the last time after %v, want 30s behind the viewer", after)
		}
		stop()
	})
}

// A reload may want the upstreams read all the time, or on demand only, and how long they stay: a sign has it looked
// at.
func TestDemandOfAnotherConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newDemand(t)
		stop := s.start()
		reload := func(onDemand bool) {
			cfg := *s.st.Config()
			cfg.OnDemand = onDemand
			s.st.Configure(&cfg, &config.Default().Server)
			s.st.Want()
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		reload(false)
		if always, _ := s.fed(time.Hour); !always {
			t.Error("not fed all the time, though not on demand any more")
		}
		reload(true)
		if _, never := s.fed(time.Hour); !never {
			t.Error("fed, though on demand and nobody watches")
		}
		stop()
	})
}
