package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A worker drives many viewers on one goroutine with one epoll.
type worker struct {
	// Set by newWorker, never changed.
	opt    *loadOptions
	sites  []*site
	clock  *stopwatch
	pause  time.Duration // between two looks at what is ready
	epoll  int
	done   chan struct{}
	ctx    context.Context // of handshakes
	cancel func()
	shakes sync.WaitGroup
	// Safe from any goroutine.
	tally tally
	mu    sync.Mutex
	queue []func() // orders, run by the worker

	// The worker's goroutine only, and anybody's after done.
	now     time.Time
	ticked  time.Time
	buf     []byte
	turn    int // of source addresses
	next    int // of sites
	away    []comeback
	viewers []*viewer // by slot; nil: free
	free    []int
	retired results // of viewers that are no more
	stop    bool
}

// tally is what the progress line wants to know.
type tally struct {
	up, bytes, failed, refused, cut, silent, returned atomic.Int64
}

const (
	epollBatch = 512
	// maxWait is how long an order waits at most.
	maxWait   = 10 * time.Millisecond
	recvRoom  = 1 << 20 // nearly all that a socket can hold, in one call
	watchTick = time.Second
)

// newWorker starts the i-th worker.
func newWorker(l *load, i int, pause time.Duration) (*worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	w := &worker{opt: &l.opt, clock: &l.clock, pause: pause, epoll: epoll, done: make(chan struct{}), next: i,
		buf: make([]byte, recvRoom), now: time.Now()}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	for _, s := range l.sites {
		w.sites = append(w.sites, s.own())
	}
	go w.run()
	return w, nil
}

// post gives the worker an order.
func (w *worker) post(order func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, order)
}

// halt stops the worker and closes its viewers. They may be looked at afterwards.
func (w *worker) halt() {
	w.post(func() { w.stop = true })
	<-w.done
}

func (w *worker) run() {
	defer close(w.done)
	events := make([]unix.EpollEvent, epollBatch)
	for !w.stop {
		n, err := unix.EpollWait(w.epoll, events, int(maxWait/time.Millisecond))
		if err != nil && err != unix.EINTR {
			panic(err) // a bad descriptor: our own bug
		}
		w.now = time.Now()
		for i := range max(n, 0) {
			if v := w.viewers[events[i].Fd]; v != nil {
				w.event(v)
			}
		}
		w.orders()
		w.tick()
		if w.pause > 0 && n < epollBatch {
			time.Sleep(w.pause)
		}
	}
	w.closeAll()
}

// orders runs what was posted.
func (w *worker) orders() {
	w.mu.Lock()
	queue := w.queue
	w.queue = nil
	w.mu.Unlock()
	for _, order := range queue {
		order()
	}
}

// watch asks epoll for events. They carry the viewer's slot in place of its descriptor.
func (w *worker) watch(v *viewer, op int, events uint32) error {
	return unix.EpollCtl(w.epoll, op, v.fd, &unix.EpollEvent{Events: events, Fd: int32(v.slot)})
}

// start adds a viewer of the next site.
func (w *worker) start(r role, herd bool) {
	s := w.sites[w.next%len(w.sites)]
	w.next++
	w.begun(s, r, herd)
}

func (w *worker) begun(s *site, r role, herd bool) {
	if w.stop {
		return
	}
	v := &viewer{fd: -1, site: s, role: r, herd: herd, describe: s.description != nil && r != stalled, born: w.now, last: w.now,
		mark: -1}
	w.seat(v)
	w.open(v)
}

// seat gives a viewer a slot.
func (w *worker) seat(v *viewer) {
	if n := len(w.free); n > 0 {
		v.slot = w.free[n-1]
		w.free = w.free[:n-1]
		w.viewers[v.slot] = v
		return
	}
	v.slot = len(w.viewers)
	w.viewers = append(w.viewers, v)
}

// ended decides what the end of a viewer means. Stalled and slow ones may be cut; the others must not be. watched: it had
// got as far as that.
func (w *worker) ended(v *viewer, err error, watched bool) {
	var no *rejection
	switch {
	case errors.As(err, &no):
		w.refused(v, no)
	case v.role == stalled || v.role == slow:
		w.tally.cut.Add(1)
	case w.opt.reconnect:
		w.tally.returned.Add(1)
		tallyInto(&w.retired.returns, v.outcome, 1)
		v.outcome = ""
		pause := defaultRetry
		if watched {
			pause = 0
		}
		w.comeBack(v, pause)
	default:
		w.tally.failed.Add(1)
	}
}

// refused counts apart from failures.
func (w *worker) refused(v *viewer, no *rejection) {
	v.outcome = ""
	w.tally.refused.Add(1)
	tallyInto(&w.retired.refusals, strconv.Itoa(no.status), 1)
	if w.opt.reconnect {
		w.comeBack(v, no.after)
	}
}

// retire takes a viewer off the list and keeps what its checker found.
func (w *worker) retire(v *viewer) {
	w.retired.addViewer(v)
	w.viewers[v.slot] = nil
	w.free = append(w.free, v.slot)
}

// churn replaces n random viewers that are watching.
func (w *worker) churn(n int) {
	for range n {
		v := w.random()
		if v == nil {
			return
		}
		unix.Close(v.fd)
		v.fd, v.phase = -1, gone
		w.tally.up.Add(-1)
		w.retire(v)
		w.begun(v.site, v.role, false)
	}
}

// random finds a viewer to replace, nil if a few tries find none.
func (w *worker) random() *viewer {
	for range 16 {
		if len(w.viewers) == 0 {
			return nil
		}
		v := w.viewers[rand.IntN(len(w.viewers))]
		if v != nil && v.phase == watching && (v.role == crowd || v.role == sample) {
			return v
		}
	}
	return nil
}

// setMarks starts the window for each viewer.
func (w *worker) setMarks() {
	for _, v := range w.viewers {
		if v != nil && v.phase == watching {
			v.mark = v.bytes
		}
	}
}

// tick does what is due by time: slow viewers sip, late and silent ones are found.
func (w *worker) tick() {
	d := w.now.Sub(w.ticked)
	if d < slowTick {
		return
	}
	whole := w.now.Truncate(watchTick) != w.ticked.Truncate(watchTick)
	if w.ticked.IsZero() {
		d = 0
	}
	w.ticked = w.now
	w.welcome()
	for _, v := range w.viewers {
		if v == nil || v.phase == gone {
			continue
		}
		if v.role == slow && v.phase == watching {
			if err := w.sip(v, d); err != nil {
				w.fail(v, err)
			}
		} else if whole {
			w.inspect(v)
		}
	}
}

// inspect fails viewers that wait too long for their stream and counts those that hear nothing any more.
func (w *worker) inspect(v *viewer) {
	if v.role == stalled {
		return
	}
	if v.first == 0 && w.now.Sub(v.born) > w.opt.patience && !w.opt.bare {
		w.fail(v, errLate)
		return
	}
	quiet := w.now.Sub(v.last) > w.opt.silence && !w.opt.bare
	if quiet && !v.silent {
		w.tally.silent.Add(1)
	}
	v.silent = v.silent || quiet
}

func (w *worker) closeAll() {
	w.cancel()
	w.shakes.Wait()
	w.orders() // close what those left
	for _, v := range w.viewers {
		if v == nil || v.fd < 0 {
			continue
		}
		if v.role == stalled && peerClosed(v.fd) {
			w.tally.cut.Add(1)
		}
		hangUp(v.fd)
		v.fd = -1
	}
	unix.Close(w.epoll)
}
