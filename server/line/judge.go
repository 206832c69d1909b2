package line

import (
	"cmp"
	"math"
	"slices"
	"time"

	"pumpd/server/clock"
)

// A Report is what one loop's sockets show.
type Report struct {
	Viewers   int
	Witnesses int             // viewers whose sockets were looked at, and that can tell
	Slowed    int             // of them, those before whom a queue begins to grow, as it looks
	Pressed   int             // and those before whom the line is full
	Given     int64           // bytes a second that all viewers' sockets were given since the last report
	Delivered int64           // and that arrived
	Newest    []clock.Instant // when the newest viewers joined, latest first
}

// judge makes one thing of what all loops report.
//
// Trouble is when most witnesses are pressed at one time. Viewers with a bad last mile are some, whoever else; a line
// that is full holds everybody up. Trouble that lasts for alarm makes the line full, and what arrives then is what it
// carries: Line.rate. Newcomers are refused. Where those who are there take more than that, the newest are ended, half
// of what is too much in each step. Calm that lasts for relief ends it.
//
// As long as nothing is known of the line newcomers are what finds it out, and by what they get until then everybody is
// late. So they are kept out as soon as there is trouble, until there is none, and have short bursts as soon as most
// witnesses are slowed down.
//
// A line may become wider again, which shows only if somebody uses it. So where viewers take nearly all that the line
// is taken to carry, and there is no trouble, it is taken to carry some more, now and then: soon at first, and ever
// more seldom while that brings trouble.
type judge struct {
	last     clock.Instant // when it judged
	reports  map[int]dated // by loop
	trouble  int           // judgements in a row
	calm     int           // likewise
	arrived  []float64     // what was delivered in each of the last ones with trouble
	given    []float64     // and what sockets were given
	ended    clock.Instant // when viewers were ended last
	alarmed  clock.Instant // when the line became full
	relieved clock.Instant // when it was no longer
	raised   clock.Instant // when the rate was raised last
	patience time.Duration // until it is raised again
	step     float64       // by how much
	cut      clock.Instant // viewers who joined then or later are to be ended; 0: none
}

type dated struct {
	Report
	at clock.Instant
}

const (
	judgeInterval = 200 * time.Millisecond
	alarm         = 4 // judgements with trouble
	relief        = 8 // judgements without
	window        = 4 // judgements over which what arrives is averaged
	stale         = time.Second
	surplus       = 1.03 // of what is given over what arrives, with which what waits grows
	stubborn      = 20   // judgements with trouble
	endInterval   = 500 * time.Millisecond
	afterEnd      = 400 * time.Millisecond

	fewestWitnesses = 4
	mostPressed     = 2.0 / 3

	leastPatience = 3 * time.Second
	mostPatience  = 5 * time.Minute
	leastStep     = 0.03
	mostStep      = 0.06
	hasty         = 20 * time.Second // trouble that comes sooner after a raise is laid to that
)

func newJudge() judge {
	return judge{reports: map[int]dated{}, patience: leastPatience, step: leastStep}
}

// Report takes in what a loop's sockets show. It returns the instant of joining from which on the loop's viewers are to
// be ended now; ok is false where nobody is.
func (l *Line) Report(loop int, r Report, now clock.Instant) (from clock.Instant, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &l.judge
	if !l.settings.On() {
		return 0, false
	}
	j.reports[loop] = dated{r, now}
	if now.Since(j.last) >= judgeInterval {
		j.last = now
		l.consider(now)
	}
	return j.cut, j.cut > 0
}

// consider judges all that is reported.
func (l *Line) consider(now clock.Instant) {
	j := &l.judge
	all := j.sum(now)
	all.Given += l.others.Load()
	all.Delivered += l.others.Load()
	before, wasFull, wasShut := l.rate.Load(), l.full.Load(), l.shut()
	if now.Since(j.ended) < afterEnd { // what those still had on the way is not counted
		j.arrived, j.given = nil, nil
	} else {
		j.cut = 0
	}
	l.swells.Store(all.most(all.Slowed))
	if all.most(all.Pressed) {
		j.trouble, j.calm = j.trouble+1, 0
		l.trouble.Store(true)
		j.arrived = last(append(j.arrived, float64(all.Delivered)))
		j.given = last(append(j.given, float64(all.Given)))
	} else {
		j.calm++
		if j.trouble = 0; !wasFull {
			j.arrived, j.given = nil, nil
			l.trouble.Store(false)
		}
	}
	switch {
	case j.trouble >= alarm:
		l.hold(all, now)
	case wasFull && j.calm >= relief:
		l.full.Store(false)
		l.trouble.Store(false)
		j.arrived, j.given, j.relieved = nil, nil, now
	case !wasFull:
		l.widen(all, now)
	}
	if after := l.rate.Load(); after != before || l.full.Load() != wasFull {
		l.changed(after, l.full.Load())
	}
	if shut := l.shut(); shut != wasShut {
		l.shutter(shut)
	}
}

// shut says that nobody is to come in: the line is full, or seems to be and is not known.
func (l *Line) shut() bool { return l.full.Load() || l.trouble.Load() && !l.Known() }

// most says that n are most of the witnesses, and those enough to tell.
func (r *Report) most(n int) bool {
	return r.Witnesses >= fewestWitnesses && float64(n) >= mostPressed*float64(r.Witnesses)
}

// sum adds up the reports, old ones left out.
func (j *judge) sum(now clock.Instant) (all Report) {
	for loop, r := range j.reports {
		if now.Since(r.at) > stale {
			delete(j.reports, loop)
			continue
		}
		all.Viewers += r.Viewers
		all.Witnesses += r.Witnesses
		all.Slowed += r.Slowed
		all.Pressed += r.Pressed
		all.Given += r.Given
		all.Delivered += r.Delivered
		all.Newest = append(all.Newest, r.Newest...)
	}
	slices.SortFunc(all.Newest, func(a, b clock.Instant) int { return cmp.Compare(b, a) })
	return all
}

// hold is for a line that is full: it carries what arrives. That is no news while more arrives than is given: then
// sockets give out what they have kept.
func (l *Line) hold(all Report, now clock.Instant) {
	j := &l.judge
	if !l.full.Swap(true) {
		j.alarmed, j.step = now, leastStep
		if j.raised > 0 && now.Since(j.raised) < hasty {
			j.patience = min(2*j.patience, mostPatience)
		} else {
			j.patience = leastPatience
		}
	}
	rate := l.rate.Load()
	if carries := int64(mean(j.arrived)); rate == 0 || carries < rate && l.lacking(carries) {
		l.rate.Store(carries)
		rate, j.arrived, j.given = carries, nil, nil
	}
	l.end(all, rate, now)
}

// lacking says that the line carries no more than it did lately, and that this is too little: less than is given to it,
// or for long.
func (l *Line) lacking(carries int64) bool {
	j := &l.judge
	return len(j.arrived) == window && carries < l.demand.Load()+l.others.Load() &&
		(mean(j.given) > surplus*mean(j.arrived) || j.trouble >= stubborn)
}

// end says who is to be ended because viewers take more than the line carries.
func (l *Line) end(all Report, rate int64, now clock.Instant) {
	j := &l.judge
	demand := l.demand.Load()
	over := float64(demand+l.others.Load()) - (1-l.settings.Reserve)*float64(rate)
	if over <= 0 || len(all.Newest) == 0 || now.Since(max(j.ended, j.alarmed)) < endInterval {
		return
	}
	each := float64(demand) / float64(all.Viewers)
	n := int(math.Ceil(over / each / 2))
	j.cut, j.ended = all.Newest[min(n, len(all.Newest))-1], now
}

// widen raises the rate where viewers take nearly all of it and nothing shows that it is no more.
func (l *Line) widen(all Report, now clock.Instant) {
	j := &l.judge
	rate := l.rate.Load()
	configured := l.settings.configured()
	if rate == 0 || rate == configured || all.Viewers == 0 || j.trouble > 0 ||
		now.Since(max(j.raised, j.relieved)) < j.patience {
		return
	}
	each := l.demand.Load() / int64(all.Viewers)
	if l.free() >= each+each/2 {
		return
	}
	rate += max(int64(j.step*float64(rate)), each+each/4)
	j.step = min(j.step*3/2, mostStep)
	if configured > 0 {
		rate = min(rate, configured)
	}
	l.rate.Store(rate)
	j.raised = now
}

// last is the end of a list, as long as the window.
func last(list []float64) []float64 { return list[max(len(list)-window, 0):] }

func mean(of []float64) float64 {
	sum := 0.0
	for _, x := range of {
		sum += x
	}
	return sum / float64(max(len(of), 1))
}
