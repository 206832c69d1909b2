package fanout

import (
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

func TestWorthCalling(t *testing.T) {
	const ms = time.Millisecond
	auto, fixed := config.Merge{Auto: true}, config.Merge{Interval: config.Duration(100 * ms)}
	for _, c := range []struct {
		name            string
		merge           config.Merge
		wait            time.Duration
		leisurely, read int
		want            bool
	}{
		{"all have news", auto, 100 * ms, 200, 200, true},
		{"nearly all", auto, 100 * ms, 200, 175, true},
		{"many have none", auto, 100 * ms, 200, 174, false},
		{"few streams", auto, 100 * ms, 15, 15, false},
		{"sent often", auto, 49 * ms, 200, 200, false},
		{"a fixed interval", fixed, 100 * ms, 200, 200, false},
	} {
		n := turnout{served: 200, leisurely: c.leisurely, read: c.read}
		if got := n.worthCalling(c.merge, c.wait); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A fleet is many streams with a viewer each, whose sources are leisurely. All of them had news in the first round.
type fleet struct {
	*rig
	streams []*stream.Stream
	feeders []*feeder
	peers   []*peer
	has     []bool        // the source has a packet whenever it is called
	slow    time.Duration // that the first one takes for it
	stop    chan struct{}
	bell    sync.Mutex
}

const fleetSize = calledStreams + 2

// newFleet is for a synctest bubble.
func newFleet(t *testing.T) *fleet {
	runtime.LockOSThread() // as loops do: the CPU time of a round is the thread's
	c := &fleet{rig: newRig(t, func(c *config.Config) { c.Server.Merge = config.Merge{Auto: true} }),
		stop: make(chan struct{}), has: make([]bool, fleetSize)}
	cfg := config.Default()
	for i := range fleetSize {
		c.streams = append(c.streams, stream.New(i, &config.Stream{Path: string(rune('a' + i))},
			slog.New(slog.DiscardHandler), clock.Clock{Now: func() clock.Instant { return c.at }}, &cfg.Server,
			func(_ int, now clock.Instant) {
				c.bell.Lock() // the rig's side of it is for one goroutine
				defer c.bell.Unlock()
				c.hub.Bell(now)
			}))
	}
	stream.NewRegistry(c.streams[0].Clock(), time.Minute, c.streams)
	for i, st := range c.streams {
		c.stream = st
		f := c.feeder(320)
		f.publish(1)
		st.SetLeisurely(true)
		c.feeders = append(c.feeders, f)
		c.peers = append(c.peers, c.watch(ffmpegAgent))
		c.bring(i)
		c.has[i] = true
		go c.source(i)
	}
	synctest.Wait()
	c.work()
	return c
}

func (c *fleet) source(i int) {
	for {
		c.streams[i].AwaitCall(c.stop, nil)
		select {
		case <-c.stop:
			return
		default:
		}
		if i == 0 {
			time.Sleep(c.slow)
		}
		if c.has[i] {
			c.bring(i)
		}
		c.streams[i].HasRead()
	}
}

// bring is a packet that comes.
func (c *fleet) bring(i int) {
	f := c.feeders[i]
	if err := f.src.Packet(asftest.Packet(f.next, f.next*40, false, asftest.PacketSize, 500)); err != nil {
		c.t.Error(err)
	}
	f.next++
}

// work is what the hub does when it is woken; then all sources wait to be called. What rounds cost here says nothing.
func (c *fleet) work() {
	c.hub.cost = 8 * time.Millisecond
	c.turn()
	synctest.Wait()
}

// ring is what the alarm does when a round is due.
func (c *fleet) ring() {
	c.at = clock.Instant(c.hub.latest.Load())
	c.hub.ring()
}

// got is how many packets all viewers have together.
func (c *fleet) got() (n int) {
	for _, p := range c.peers {
		n += len(c.read(p.body()).numbers)
	}
	return n
}

// A hub with many streams has their sources called when a round is due, and sends what they have.
func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFleet(t)
		defer close(c.stop)
		for round := range 3 {
			for i, st := range c.streams {
				if !st.Called() {
					t.Fatalf("round %d: stream %d is not called", round, i)
				}
			}
			had := c.got()
			c.at = clock.Instant(c.hub.latest.Load()) - 1
			c.hub.Bell(c.at)
			if c.work(); c.got() != had {
				t.Error("a round before it is due")
			}
			c.ring()
			if c.work(); c.got() != had+fleetSize {
				t.Errorf("round %d: %d packets more, want one of each stream", round, c.got()-had)
			}
		}
	})
}

// Where many have nothing, sources are read as it comes; also where all have.
func TestCallNoMore(t *testing.T) {
	for _, without := range []int{fleetSize / 2, fleetSize} {
		synctest.Test(t, func(t *testing.T) {
			c := newFleet(t)
			defer close(c.stop)
			clear(c.has[:without])
			had := c.got()
			c.ring()
			c.work()
			if got := c.got() - had; got != fleetSize-without || c.streams[0].Called() {
				t.Errorf("%d packets more, want %d; called %v", got, fleetSize-without, c.streams[0].Called())
			}
		})
	}
}

// A source that does not come back is waited for, but not for long.
func TestCallIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFleet(t)
		defer close(c.stop)
		had := c.got()
		c.slow = time.Second
		from := time.Now()
		c.ring()
		c.work()
		if took := time.Since(from); took > calledLate {
			t.Errorf("a round waits for %v, want %v at the most", took, calledLate)
		}
		if got := c.got() - had; got != fleetSize-1 {
			t.Errorf("%d packets more, want %d", got, fleetSize-1)
		}
		time.Sleep(c.slow)
	})
}

// Hubs with the same streams make their rounds at the same time: what another one has planned counts, but does not make
// a busy hub busier.
func TestHubsInStep(t *testing.T) {
	for _, tt := range []struct {
		planned time.Duration // from the round on
		later   bool          // a wait later than that
	}{{70 * time.Millisecond, false}, {10 * time.Millisecond, true}} {
		synctest.Test(t, func(t *testing.T) {
			c := newFleet(t)
			defer close(c.stop)
			c.ring()
			c.streams[0].PlanReading(c.at, tt.planned)
			c.work()
			want := c.at.Add(tt.planned)
			if tt.later {
				want = want.Add(waitOf(config.Merge{Auto: true}, c.hub.cost))
			}
			if got := clock.Instant(c.hub.latest.Load()); got != want {
				t.Errorf("the next round is after %v, want %v", got.Since(c.at), want.Since(c.at))
			}
		})
	}
}
