// Package line is what a node knows of its uplink: what it is said to carry, what it is seen to carry, and an account
// of what it was given. Live packets go before bursts and catch-ups, which get what those leave.
//
// A Line is for all loops. They take from the account in rounds, with atomics, and report now and then what their
// sockets show; whoever reports judges, under a mutex that is held for an instant.
package line

import (
	"sync"
	"sync/atomic"
	"time"

	"pumpd/server/clock"
)

// A Line is the uplink of a node. Rates are bytes a second of IP packets, their headers included, see Wire.
type Line struct {
	// Set by New, never changed.
	changed func(bytesPerSecond int64, full bool)
	shutter func(shut bool)
	free    func() int64

	// Any goroutine.
	rate    atomic.Int64 // what it is taken to carry; 0: not known
	busy    atomic.Int64 // instant at which all that it was given is through
	others  atomic.Int64 // bytes a second of it that are sent to no viewer
	demand  atomic.Int64 // bytes a second that all viewers take who are in step
	owed    atomic.Int64 // bytes that joiners were promised and have not got
	full    atomic.Bool
	trouble atomic.Bool   // most witnesses are pressed
	swells  atomic.Bool   // most witnesses are slowed down
	live    atomic.Uint64 // bytes that it was given of each Class
	bursts  atomic.Uint64

	mu       sync.Mutex
	settings Settings
	judge    judge
}

// Settings are what the configuration says of the line. Zero: there is nothing to keep to, and nothing is judged.
type Settings struct {
	BitsPerSecond int64   // that it carries; 0: not said
	Auto          bool    // what is seen decides alone
	Reserve       float64 // share of the line that viewers are not to take, 0 to 1
}

// On says that the line is to be watched.
func (s Settings) On() bool { return s.Auto || s.BitsPerSecond > 0 }

// configured is what the line carries at most, bytes a second; 0: not said.
func (s Settings) configured() int64 { return s.BitsPerSecond / 8 }

// Options of New.
type Options struct {
	Settings Settings
	// Changed is told what the line is now found to carry (0: not known), and whether it is full. It is called under the
	// line's mutex, on a loop, and must not wait.
	Changed func(bytesPerSecond int64, full bool)
	// Shut is told that nobody is to come in from now on, or that there is nothing against it. It is called likewise.
	Shut func(bool)
	// Free says how much of the line is there for newcomers. It is called likewise.
	Free func() (bytesPerSecond int64)
}

// New makes a line to which nothing was given yet.
func New(o Options) *Line {
	l := &Line{changed: o.Changed, shutter: o.Shut, free: o.Free}
	l.Set(o.Settings)
	return l
}

// Set has other settings count from now on. What was found out is forgotten.
func (l *Line) Set(s Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settings, l.judge = s, newJudge()
	l.rate.Store(s.configured())
	l.full.Store(false)
	l.trouble.Store(false)
	l.swells.Store(false)
}

// A Class is what bytes are for.
type Class uint8

const (
	First Class = iota // live packets of those who have watched for a while
	Live               // what other viewers get who have had all that came before
	Burst              // what joiners and late ones are behind
)

// ahead is how far ahead of the line what it is given of a class may be. More than some milliseconds of it in a
// router's queue is delay for everybody, less is too little for the timers that wake loops. Who watches already finds
// room at any time, whatever newcomers take.
func (c Class) ahead() time.Duration {
	if c == First {
		return 24 * time.Millisecond
	}
	return 5 * time.Millisecond
}

// price is what a byte counts for. Bursts leave a tenth of the line alone: what is too much in its queue for a moment,
// since a loop woke late, would stay there for long else.
func (c Class) price() float64 {
	if c == Burst {
		return 1.1
	}
	return 1
}

// longestSleep is how much of a loop's oversleeping is made up for.
const longestSleep = 100 * time.Millisecond

// paced is the part of the rate that is made use of, so that the queue before the line stays empty although its owner
// may count a few bytes more in each packet than we do.
const paced = 0.98

// Claim takes up to want bytes from the account and returns how many may be sent now. What is not sent is given back,
// by Settle. Where the rate is not known all may. since is when whoever asks began to wait for the line: what could
// have been sent since then, had the loop been awake, may be sent now.
func (l *Line) Claim(want int, c Class, since, now clock.Instant) int {
	if !l.Known() {
		return want
	}
	rate := l.pace() / c.price()
	since = max(since, now.Add(-longestSleep))
	for {
		busy := l.busy.Load()
		from := max(busy, int64(since))
		room := int(float64(int64(now)+int64(c.ahead())-from) * rate / float64(time.Second))
		if room <= 0 {
			return 0
		}
		n := min(want, room)
		if l.busy.CompareAndSwap(busy, from+int64(float64(n)/rate*float64(time.Second))) {
			return n
		}
	}
}

// Settle says that of what Claim gave n bytes were sent; that may be more, by what was left of a frame.
func (l *Line) Settle(claimed, n int, c Class) {
	if l.Known() && claimed != n {
		l.busy.Add(int64(float64(n-claimed) * c.price() / l.pace() * float64(time.Second)))
	}
	if n == 0 {
		return
	}
	if c == Burst {
		l.bursts.Add(uint64(n))
	} else {
		l.live.Add(uint64(n))
	}
}

// Wait is how long it takes until a class may send, not less than a millisecond.
func (l *Line) Wait(c Class, now clock.Instant) time.Duration {
	return max(clock.Instant(l.busy.Load()).Since(now)-c.ahead()/2, time.Millisecond)
}

// Share is how many bytes the line takes in a millisecond: as much as a loop should claim before another has a chance.
func (l *Line) Share() int { return int(l.rate.Load() / 1000) }

// pace is how fast viewers may be sent to: what the line carries less what others take, and a tenth of it in any
// case.
func (l *Line) pace() float64 {
	rate := l.rate.Load()
	return float64(max(rate-l.others.Load(), rate/10, 1)) * paced
}

// Others says how much of the line, in bytes a second, is sent to no viewer.
func (l *Line) Others(bytesPerSecond int64) { l.others.Store(bytesPerSecond) }

// Known says that there is a rate by which to send.
func (l *Line) Known() bool { return l.rate.Load() > 0 }

// Full says that the line carries no more than it does now.
func (l *Line) Full() bool { return l.full.Load() }

// Trouble says that most sockets are held up: reports are to have Newest.
func (l *Line) Trouble() bool { return l.trouble.Load() }

// Swells says that a queue grows before most sockets: a burst now makes everybody late.
func (l *Line) Swells() bool { return l.swells.Load() }

// Demand adds to what viewers in step take.
func (l *Line) Demand(bytesPerSecond int64) { l.demand.Add(bytesPerSecond) }

// Owe adds to what joiners were promised.
func (l *Line) Owe(bytes int64) { l.owed.Add(bytes) }

// payTime is how long paying all bursts may take.
const payTime = 400 * time.Millisecond

// Credit is how many bytes of burst may be promised: what the live packets leave within payTime, and others were not
// promised. It is negative where too much was.
func (l *Line) Credit() int64 {
	return int64(float64(l.left())*payTime.Seconds()) - l.owed.Load()
}

// left is how much the live packets leave, bytes a second.
func (l *Line) left() int64 {
	return max(int64(l.pace())-l.demand.Load(), 1)
}

// PaidIn is how long it takes until so many bytes of burst are paid, behind all that is owed already.
func (l *Line) PaidIn(bytes int64) time.Duration {
	return time.Duration(float64(l.owed.Load()+bytes) / float64(l.left()) * float64(time.Second))
}

// Wire is how many bytes of IP packets n bytes of one send are: each segment has 52 bytes of headers (IPv4 20, TCP 20
// with 12 of time stamps), and holds 1,448 bytes where the path takes 1,500.
func Wire(n int) int {
	const segment, headers = 1448, 52
	return n + (n+segment-1)/segment*headers
}

// A View is the line at one moment, for people. Rates are bytes a second.
type View struct {
	Configured int64 // 0: not said
	Carries    int64 // what it is taken to carry; 0: not known
	Demand     int64 // what all viewers take who are in step
	Owed       int64 // bytes of bursts that joiners are still to get
	Full       bool
	Live       uint64 // bytes that it was given of live packets
	Bursts     uint64 // and of bursts and what late viewers had to catch up on
}

// View shows the line. Any goroutine.
func (l *Line) View() View {
	l.mu.Lock()
	defer l.mu.Unlock()
	return View{Configured: l.settings.configured(), Carries: l.rate.Load(), Demand: l.demand.Load(), Owed: l.owed.Load(),
		Full: l.full.Load(), Live: l.live.Load(), Bursts: l.bursts.Load()}
}
