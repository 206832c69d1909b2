package access

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// A Caller asks one callback, that of any number of streams. Nobody waits for it: who asks hands over a function, which
// is called when there is an answer. The same question is asked once, however many wait for its answer, and an answer
// is good for a while.
//
// Any goroutine.
type Caller struct {
	// Set by NewCaller, never changed.
	Service
	client *http.Client
	failed func(path string, err error)
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	salt   [32]byte // of keys; Restore may change it before it is used

	mu      sync.Mutex
	known   answers
	asked   map[key]*call        // whose answers are awaited
	queue   []*call              // those of asked that nobody has begun
	working int                  // goroutines
	waiting int                  // viewers in asked
	origins map[netip.Prefix]int // of them, by network; without those that have none
}

// A Service is what there is a Caller for.
type Service struct {
	URL     string
	Timeout time.Duration // for an answer
	Keep    time.Duration // how long an answer is good for that does not say so
}

// ServiceOf is what a checked configuration names; its URL is "" if there is none.
func ServiceOf(c *config.Stream) Service {
	return Service{URL: c.AuthURL, Timeout: time.Duration(c.AuthTimeout), Keep: time.Duration(c.AuthTTL)}
}

// A key stands for a question: those have passwords in them, which are not to lie in memory.
type key [sha256.Size]byte

// A call is a question on its way.
type call struct {
	key  key
	path string
	body []byte
	late time.Time // when it is too late for an answer
	done []waiter
}

// A waiter is a viewer that waits for an answer.
type waiter struct {
	from netip.Prefix
	done func(Answer)
}

// MostQuestions is how many a Caller asks at a time, each on a connection.
const MostQuestions = 16

const (
	maxQueue   = 1024 // and that wait until it is their turn
	maxWaiting = 4096 // viewers that wait for answers
	maxOrigin  = 256  // of them, from one network: who asks for nonsense must not keep others out
)

// NewCaller makes that of a service. failed is told why there was no answer about a path, on another goroutine; what it
// is told has no secrets.
func NewCaller(s Service, failed func(path string, err error)) *Caller {
	r := &Caller{
		Service: s, failed: failed,
		client: &http.Client{
			Transport: &http.Transport{
				MaxConnsPerHost: MostQuestions, MaxIdleConnsPerHost: MostQuestions, IdleConnTimeout: time.Minute,
				MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
			},
			// Whoever may watch is not to be decided by another host than the operator has named.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		asked: map[key]*call{}, origins: map[netip.Prefix]int{},
	}
	rand.Read(r.salt[:])
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Close ends all calls; those that wait are told that it fails.
func (r *Caller) Close() {
	r.stop()
	r.client.CloseIdleConnections()
}

// Ask gives the answer if it is known. If not, done is called with it, soon, on another goroutine, unless known is true
// because too many wait already, or too many from the viewer's network.
func (r *Caller) Ask(q Question, from netip.Addr, now time.Time, done func(Answer)) (a Answer, known bool) {
	q.Address = from.String()
	body, err := json.Marshal(q)
	if err != nil {
		panic(err) // strings
	}
	k := sha256.Sum256(append(r.salt[:len(r.salt):len(r.salt)], body...))
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.known.find(k, now); ok {
		return a, true
	}
	c, w := r.asked[k], waiter{auth.NetworkOf(from), done}
	switch {
	case r.waiting == maxWaiting, r.origins[w.from] == maxOrigin, c == nil && len(r.queue) == maxQueue:
		return Answer{Callback: CallbackBusy}, true
	case c == nil:
		c = &call{key: k, path: q.Path, body: body, late: now.Add(r.Timeout)}
		r.asked[k] = c
		r.queue = append(r.queue, c)
		if r.working < MostQuestions {
			r.working++
			go r.work()
		}
	}
	c.done = append(c.done, w)
	r.waiting++
	r.origins[w.from]++
	return Answer{}, false
}

// work asks one question after another, until there is none. A question that nobody had time for is not asked any
// more, so each is answered in its time.
func (r *Caller) work() {
	for c := r.next(); c != nil; c = r.next() {
		a, err := r.ask(c)
		if err != nil {
			r.failed(c.path, err)
		}
		for _, w := range r.answered(c, a) {
			w.done(a)
		}
	}
}

func (r *Caller) next() *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.working--
		return nil
	}
	c := r.queue[0]
	r.queue[0], r.queue = nil, r.queue[1:]
	return c
}

// answered notes an answer and says who waits for it.
func (r *Caller) answered(c *call, a Answer) []waiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.asked, c.key)
	r.waiting -= len(c.done)
	for _, w := range c.done {
		if r.origins[w.from]--; r.origins[w.from] == 0 {
			delete(r.origins, w.from)
		}
	}
	if a.Callback != CallbackFails && a.Keep > 0 {
		r.known.add(c.key, a, time.Now())
	}
	return c.done
}

// ask is one question. Errors have none of what is in it or in the URL.
func (r *Caller) ask(c *call) (Answer, error) {
	ctx, cancel := context.WithDeadline(r.ctx, c.late)
	defer cancel()
	a, err := r.exchange(ctx, c.body)
	if err == nil {
		return a, nil
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the URL
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", r.Timeout)
	}
	return Answer{Callback: CallbackFails}, err
}

func (r *Caller) exchange(ctx context.Context, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "pumpd")
	reply, err := r.client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer reply.Body.Close()
	said, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, err
	case len(said) > maxAnswer:
		return Answer{}, fmt.Errorf("body: more than %d bytes", maxAnswer)
	}
	return parseAnswer(reply.StatusCode, reply.Header.Get("Content-Type"), said, r.Keep)
}
