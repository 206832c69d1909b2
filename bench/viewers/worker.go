// Package viewers drives thousands of simulated viewers on a few goroutines.
package viewers

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pumpd/bench/latency"
	"pumpd/bench/sock"
)

// A Worker drives many viewers on one goroutine with one epoll.
type Worker struct {
	// Set by NewWorker, never changed.
	opt        *Options
	sites      []*Site
	clock      *latency.Stopwatch
	pause      time.Duration // between two looks at what is ready
	epoll      int
	done       chan struct{}
	ctx        context.Context // of handshakes
	cancel     func()
	handshakes sync.WaitGroup
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
	places  map[string]*Site // by URL, of redirects
	viewers []*viewer        // by slot; nil: free
	free    []int
	retired Results // of viewers that are no more
	stop    bool
}

const (
	epollBatch = 512
	// maxWait is how long an order waits at most.
	maxWait  = 10 * time.Millisecond
	recvRoom = 1 << 20 // nearly all that a socket can hold, in one call
)

// NewWorker starts a worker whose viewers take the sites in turn, from the one with index first on. pause is between
// two looks at what is ready: many small reads become few large ones. opt must not change; clock is shared with other
// workers. Halt must be called. It is an error if there is no epoll to be had.
func NewWorker(opt *Options, sites []*Site, clock *latency.Stopwatch, first int, pause time.Duration) (*Worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	w := &Worker{opt: opt, clock: clock, pause: pause, epoll: epoll, done: make(chan struct{}), next: first,
		buf: make([]byte, recvRoom), now: time.Now()}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	for _, s := range sites {
		w.sites = append(w.sites, s.own())
	}
	go w.run()
	return w, nil
}

// post gives the worker an order.
func (w *Worker) post(order func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, order)
}

// Halt stops the worker and closes its viewers. Results and Totals are complete afterwards.
func (w *Worker) Halt() {
	w.post(func() { w.stop = true })
	<-w.done
}

func (w *Worker) run() {
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
func (w *Worker) orders() {
	w.mu.Lock()
	queue := w.queue
	w.queue = nil
	w.mu.Unlock()
	for _, order := range queue {
		order()
	}
}

// poll asks epoll for events. They carry the viewer's slot in place of its descriptor.
func (w *Worker) poll(v *viewer, op int, events uint32) error {
	return unix.EpollCtl(w.epoll, op, v.fd, &unix.EpollEvent{Events: events, Fd: int32(v.slot)})
}

func (w *Worker) closeAll() {
	w.cancel()
	w.handshakes.Wait()
	w.orders() // close what those left
	for _, v := range w.viewers {
		if v == nil || v.fd < 0 {
			continue
		}
		if v.role == Stalled && sock.PeerClosed(v.fd) {
			w.tally.cut.Add(1)
		}
		sock.HangUp(v.fd)
		v.fd = -1
	}
	unix.Close(w.epoll)
}
