package forward

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"pumpd/server/clock"
	"pumpd/server/upstream"
	"pumpd/server/view"
)

// A connection is one on which a forward pushes.
type connection struct {
	// Set by connect, never changed.
	f       *forward
	push    *upstream.Push
	replies chan answer
	done    <-chan struct{} // the context's
	watch   *watch

	// The forward's goroutine only.
	began clock.Instant // of the first body
	left  int64         // bytes that the body still has room for
	out   []byte        // frames that are to be written
	ends  []int         // in out, of the newest spans of the position: they are not written yet
	speed speed
	base  uint64 // bytes that other connections had sent before
}

// An answer is what the connection's reader found.
type answer struct {
	reply upstream.PushReply
	err   error
}

var (
	errClosed   = errors.New("the server has closed while we pushed")
	errAnswered = errors.New("the server answers while we push")
	errReplaced = errors.New("another encoder has taken the stream over")
)

// connect makes a connection and pushes on it until that ends. lasted is for how long it pushed.
func (f *forward) connect(ctx context.Context) (lasted time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.show(view.ForwardConnecting)
	push, reply, err := f.pusher.SetUp(ctx, f.id, f.pump.Field(f.st.Via()))
	if err != nil {
		return 0, err
	}
	defer push.Close()
	if !f.settle(reply) {
		return 0, errOver
	}
	c := &connection{f: f, push: push, replies: make(chan answer, 1), done: ctx.Done(), watch: newWatch(push),
		began: f.now(), base: f.v.Bytes}
	defer c.watch.stop()
	go c.read(ctx)
	if err = c.start(); err == nil {
		err = c.run(ctx)
	}
	err = c.explain(ctx, err)
	c.account()
	lasted = f.now().Since(c.began)
	if c.watch.stalled.Load() {
		return max(0, lasted-stallTime-2*lookTime), fmt.Errorf("%w for %v", errStalled, stallTime)
	}
	return lasted, err
}

// settle finds where to go on, by what the server has answered. It is false when there is nothing to push any more.
func (f *forward) settle(r upstream.PushReply) bool {
	first := !f.met
	known := !first && f.id == r.ID // one that gives no push-ids knows us as long as we have one position
	f.id, f.met = r.ID, true
	if !known || !f.position.set() {
		if !f.join(known) {
			return false
		}
	}
	at, ok := f.position.acknowledged(), known
	if r.Knows {
		if has, found := f.position.find(r.Has); found {
			at, ok = has, true
		}
	}
	if ok {
		f.position.resume(at)
	}
	if first {
		f.st.Log().Info("forward pushes", "to", f.v.Name, "push_id", r.ID)
	} else {
		f.v.Reconnects++
	}
	return true
}

// join takes a new position in the chain: with a server that does not know us that of a viewer who joins, so that its
// own can start at once; else that of one who has skipped.
func (f *forward) join(known bool) bool {
	j := f.st.Joins()
	switch {
	case j == nil:
		return false
	case known:
		f.position.begin(point{j.Newest, j.Gen})
		f.v.Skips++
	default:
		f.position.begin(point{j.Start, j.Gen})
	}
	return true
}

// read reads answers until the connection ends.
func (c *connection) read(ctx context.Context) {
	for {
		r, err := c.push.Reply()
		if err == nil && r.Closes {
			c.tell(ctx, answer{reply: r})
			return
		}
		if !c.tell(ctx, answer{r, err}) || err != nil {
			return
		}
	}
}

func (c *connection) tell(ctx context.Context, a answer) bool {
	select {
	case c.replies <- a:
		return true
	case <-ctx.Done():
		return false
	}
}

// run pushes what there is and what comes.
func (c *connection) run(ctx context.Context) error {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for look := clock.Instant(0); ; {
		if err := c.send(ctx); err != nil {
			return err
		}
		if now := c.f.now(); now >= look {
			look = now.Add(lookTime)
			c.look(now)
		}
		alarm.Reset(c.speed.pause(c.push.Secure()))
		news := (<-chan struct{})(nil) // not before the pause is over
		for waits := true; waits; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case a := <-c.replies:
				return a.early()
			case <-news:
				waits = false
			case <-alarm.C:
				if waits = news == nil && c.f.position.sent.at.Next() == nil; waits {
					news = c.f.news
					alarm.Reset(lookTime)
				}
			}
		}
	}
}

// look is done once a second.
func (c *connection) look(now clock.Instant) {
	f := c.f
	c.account()
	f.position.trim(now, f.buffer(), f.st.Joins())
	if now.Since(c.began) >= steadyRun {
		f.outage.End(f.st.Log(), f.v.Name, now)
		f.failures, f.v.Failures = 0, 0
	}
	f.show(view.ForwardPushing)
}

// explain prefers the server's answer to the error of a write, which it may have caused.
func (c *connection) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, errOver) || errors.Is(err, errAnswered) || errors.Is(err, errClosed) {
		return err
	}
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case a := <-c.replies:
		if a.err == nil {
			return a.early()
		}
	case <-late.C:
	}
	return err
}

// lastWords is how long an answer may take that was sent before the connection broke.
const lastWords = 100 * time.Millisecond

// account notes how far the connection has got.
func (c *connection) account() {
	c.f.position.acknowledge(c.push.Acknowledged())
	c.f.v.Bytes = c.base + uint64(c.push.Written())
}

// early is what an answer means that nobody has waited for: the end (push.md §3).
func (a answer) early() error {
	switch {
	case a.err != nil:
		return fmt.Errorf("%w: %w", errClosed, a.err)
	case a.reply.Status == 409:
		return fmt.Errorf("%w: %w: %w", errAnswered, errReplaced, a.reply.Err())
	}
	return fmt.Errorf("%w: %w", errAnswered, a.reply.Err())
}

// A watch closes a connection on which the other side acknowledges nothing. It looks from a timer's goroutine.
type watch struct {
	stalled atomic.Bool
	timer   *time.Timer
	done    atomic.Bool
	writing atomic.Bool

	// The timer's.
	push  *upstream.Push
	acked int64
	since time.Time
}

// stallTime is for how long at most nothing is acknowledged of what was sent. TCP itself would try for a quarter of an
// hour, and longer and longer pauses after an outage of some seconds.
const stallTime = 5 * time.Second

func newWatch(p *upstream.Push) *watch {
	w := &watch{push: p, since: time.Now(), acked: p.Acknowledged()}
	w.timer = time.AfterFunc(lookTime, w.look)
	return w
}

func (w *watch) look() {
	if w.done.Load() {
		return
	}
	acked := w.push.Acknowledged()
	if acked != w.acked || acked == w.push.Written() && !w.writing.Load() {
		w.acked, w.since = acked, time.Now()
	} else if time.Since(w.since) >= stallTime {
		w.stalled.Store(true)
		w.push.Abort()
		return
	}
	w.timer.Reset(lookTime)
}

func (w *watch) stop() {
	w.done.Store(true)
	w.timer.Stop()
}
